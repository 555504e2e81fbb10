/** PEM blocks ⇄ DER bytes, strictly: one spelling of the armour, whole base64, no headers. */
import { malformed } from './error.ts'

const MAX_TEXT = 1_048_576
const BASE64_LINE = /^[A-Za-z0-9+/]+={0,2}$/
const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----$/

export function toPem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** The one block of a text that holds nothing else; throws `X509_MALFORMED` otherwise. */
export function fromPem(text: string, label: string): Uint8Array {
  const [block, ...more] = blocksOf(text.trim(), { comments: false })
  if (block !== undefined && more.length === 0 && block.label === label) return block.der
  throw malformed('not exactly one pem block of the kind expected')
}

/** The blocks of a bundle, at least one, all of one label; lines between blocks are comments. */
export function manyFromPem(text: string, label: string): Uint8Array[] {
  const blocks = blocksOf(text, { comments: true })
  if (blocks.length > 0 && blocks.every((block) => block.label === label)) return blocks.map((block) => block.der)
  throw malformed('not a bundle of pem blocks of the kind expected')
}

interface Block {
  readonly label: string
  readonly der: Uint8Array
}

function blocksOf(text: string, { comments }: { readonly comments: boolean }): Block[] {
  if (text.length > MAX_TEXT) throw malformed('pem text too long')
  const lines = text.split('\n').map((line) => line.trimEnd())
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const label = BEGIN.exec(line)?.[1]
    if (label === undefined) {
      if (comments && !line.startsWith('-----')) continue
      throw malformed('text outside a pem block')
    }
    const end = lines.indexOf(`-----END ${label}-----`, at)
    if (end < 0) throw malformed('a pem block without end')
    blocks.push({ label, der: decode(lines.slice(at + 1, end)) })
    at = end
  }
  return blocks
}

function decode(lines: readonly string[]): Uint8Array {
  const isBase64 = lines.length > 0 && lines.every((line) => BASE64_LINE.test(line))
  if (!isBase64) throw malformed('not the base64 of a pem block')
  try {
    return Uint8Array.fromBase64(lines.join(''), { lastChunkHandling: 'strict' })
  } catch (error) {
    throw malformed('not the base64 of a pem block', error)
  }
}
