/** Tokens as a relying party reads them: judged by nothing but the keys that a ZTS publishes. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { parseYBase64 } from '@pallas/identity'

export interface ReadJws {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Whether the key that its header names has signed it. */
  readonly isSigned: boolean
}

/** `keys` is the body of `/oauth2/keys?rfc=true`. */
export function readJws(token: string, keys: string): ReadJws {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const read = { header: objectIn(header), claims: objectIn(claims) }
  const key = keyIn(keys, read.header['kid'])
  const data = Buffer.from(`${header}.${claims}`)
  const judged = key?.asymmetricKeyType === 'ec' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key
  const isSigned = judged !== undefined && verify('sha256', data, judged, Buffer.from(signature, 'base64url'))
  return { ...read, isSigned }
}

export interface ReadRoleToken {
  readonly fields: Readonly<Record<string, string>>
  readonly isSigned: boolean
}

export function readRoleToken(token: string, keys: string): ReadRoleToken {
  const cut = token.lastIndexOf(';s=')
  const text = token.slice(0, cut)
  const fields = Object.fromEntries(text.split(';').map((field) => field.split('=', 2) as [string, string]))
  const key = keyIn(keys, fields['k'])
  const signature = parseYBase64(token.slice(cut + 3))
  const isSigned = key !== undefined && signature !== undefined && verify('sha256', Buffer.from(text), key, signature)
  return { fields, isSigned }
}

function keyIn(text: string, keyId: unknown): KeyObject | undefined {
  const { keys } = JSON.parse(text) as { keys: readonly { readonly kid: string; readonly kty: string }[] }
  const shown = keys.find(({ kid }) => kid === keyId)
  return shown === undefined ? undefined : createPublicKey({ key: shown, format: 'jwk' })
}

const objectIn = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>
