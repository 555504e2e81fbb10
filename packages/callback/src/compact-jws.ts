/**
 * A JWS in compact form, taken apart: three base64url segments in their one canonical spelling.
 *
 * The payload stays bytes: nobody reads it before the signature over exactly those bytes has been verified.
 */
import { type FlatObject, parseFlatObject } from './flat-json.ts'

export interface CompactJws {
  readonly header: FlatObject
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  /** What the signature is over. */
  readonly signed: Uint8Array
}

/** Our documents have about 700 characters; names of the greatest lengths double that. */
const LONGEST = 8_192

export function parseCompactJws(text: string): CompactJws | undefined {
  if (text.length > LONGEST) return undefined
  const segments = text.split('.')
  const [header, payload, signature] = segments.map(decode)
  if (segments.length !== 3 || !header || !payload || !signature) return undefined
  const members = parseFlatObject(header)
  const signed = new TextEncoder().encode(text.slice(0, text.lastIndexOf('.')))
  return members && { header: members, payload, signature, signed }
}

/** Refuses padding, blanks, the other alphabet, and spare bits that are not zero: one value, one spelling. */
function decode(segment: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(segment)) return undefined
  try {
    const bytes = Uint8Array.fromBase64(segment, { alphabet: 'base64url' })
    return bytes.toBase64({ alphabet: 'base64url', omitPadding: true }) === segment ? bytes : undefined
  } catch {
    return undefined
  }
}
