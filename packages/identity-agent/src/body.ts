/** The bodies of `init` and `refresh`, in both key origins. Keys are matched without regard to case, as the original's are. */
import { IdentityError } from '@pallas/identity'
import type { CsrRequest } from '@pallas/wire'

/** The previous pair as PEM text. */
export interface Pair {
  readonly keyPem: string
  readonly certPem: string
}

export type KeyWish =
  | ({ readonly origin: 'pod' } & CsrRequest)
  | { readonly origin: 'agent'; readonly previous: Pair | undefined }

/** No body, or an empty object: the agent is to make the key. */
export function parseInitBody(body: Uint8Array | undefined): KeyWish {
  if (body === undefined || body.length === 0) return { origin: 'agent', previous: undefined }
  const { csr } = fieldsOf(body)
  return csr === undefined ? { origin: 'agent', previous: undefined } : { origin: 'pod', csr }
}

export function parseRefreshBody(body: Uint8Array | undefined): KeyWish {
  if (body === undefined || body.length === 0) throw invalid('refresh needs a body')
  const { csr, keypem, certpem } = fieldsOf(body)
  if (csr !== undefined && keypem === undefined && certpem === undefined) return { origin: 'pod', csr }
  if (csr !== undefined || keypem === undefined || certpem === undefined) throw invalid('neither a csr nor a pair')
  return { origin: 'agent', previous: { keyPem: decode(keypem), certPem: decode(certpem) } }
}

const KNOWN = ['csr', 'keypem', 'certpem'] as const
type Known = (typeof KNOWN)[number]

function fieldsOf(body: Uint8Array): Partial<Record<Known, string>> {
  const found: Partial<Record<Known, string>> = {}
  for (const [key, value] of Object.entries(parse(body))) {
    const known = KNOWN.find((name) => name === key.toLowerCase())
    if (known === undefined || value === null) continue
    if (typeof value !== 'string' || value === '') throw invalid('a field is not text')
    if (found[known] !== undefined) throw invalid('a field is there twice')
    found[known] = value
  }
  return found
}

function parse(body: Uint8Array): object {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw invalid('not json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not a json object')
  return value
}

function decode(base64: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.fromBase64(base64))
  } catch {
    throw invalid('a field is not base64 of text')
  }
}

const invalid = (message: string) => new IdentityError('BODY_INVALID', message)
