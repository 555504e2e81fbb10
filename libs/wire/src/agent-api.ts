/**
 * What a pod's SIA and the identity agent say to each other over `connect/agent.sock` (HTTP/1.1, JSON).
 *
 * Two forms: the caller's key (`GET /v1/names/<handle>`, then a CSR), and the original's (no CSR, the agent makes the
 * key and PEM fields travel as base64). Every answer that is not 200 carries an `ErrorBody`. Readers throw
 * `BODY_INVALID`.
 */
import type { WorkloadNames } from '@pallas/identity'
import { base64Text, invalid, type Members, membersOfBody, optionalText, textOf, toBase64 } from './body.ts'

export const AGENT_ROUTES = {
  names: '/v1/names/',
  init: '/v1/init/',
  refresh: '/v1/refresh/',
} as const

/** Answer of `GET /v1/names/<handle>`: what subject and SANs of the CSR must be, now. */
export type NamesAnswer = WorkloadNames

/** Body of `init` (may be absent) and `refresh` with the caller's key. */
export interface CsrRequest {
  /** PEM, label `CERTIFICATE REQUEST`. */
  readonly csr: string
}

/** Body of `refresh` in the original form: the previous pair, each the base64 of PEM text. */
export interface PairRequest {
  readonly keyPEM: string
  readonly certPEM: string
}

/**
 * Answer of `init` and `refresh`. PEM fields are standard base64 of PEM text; `keyPEM` only where the agent made the
 * key.
 */
export interface CredentialsAnswer {
  readonly ntoken: string
  readonly keyPEM?: string
  readonly certPEM: string
  readonly caCertPEM: string
}

/** A key and its certificate, PEM text. */
export interface Pair {
  readonly keyPem: string
  readonly certPem: string
}

/** A `CredentialsAnswer` in PEM text. `ntoken` and `caPem` may be empty. */
export interface Credentials {
  readonly ntoken: string
  readonly keyPem?: string
  readonly certPem: string
  readonly caPem: string
}

/** Who is to have made the key: the pod, which sends a CSR, or the agent, which may get the previous pair. */
export type KeyWish =
  | ({ readonly origin: 'pod' } & CsrRequest)
  | { readonly origin: 'agent'; readonly previous: Pair | undefined }

const MAX_CSR = 65_536
const MAX_TOKEN = 65_536
const MAX_NAME = 2_048
const MAX_NAMES = 64

/** No body, or one without `csr`: the agent makes the key. */
export function parseInitRequest(body: Uint8Array | string | undefined): KeyWish {
  if (body === undefined || body.length === 0) return { origin: 'agent', previous: undefined }
  const members = membersOfBody(body)
  if (members.has('csr')) return csrOf(members)
  return { origin: 'agent', previous: undefined }
}

/** A CSR or a pair, never both. */
export function parseRefreshRequest(body: Uint8Array | string | undefined): KeyWish {
  const members = membersOfBody(body)
  const isPair = members.has('keypem') || members.has('certpem')
  if (members.has('csr') && isPair) throw invalid('a csr and a pair')
  if (members.has('csr')) return csrOf(members)
  const previous = { keyPem: base64Text(members, 'keypem'), certPem: base64Text(members, 'certpem') }
  if (previous.keyPem === '' || previous.certPem === '') throw invalid('neither a csr nor a pair')
  return { origin: 'agent', previous }
}

const csrOf = (members: Members): KeyWish => ({ origin: 'pod', csr: textOf(members, 'csr', MAX_CSR) })

/** The body that asks for what the parsers above read; empty for an `init` without CSR. */
export function formatKeyWish(wish: KeyWish): string {
  if (wish.origin === 'pod') return JSON.stringify({ csr: wish.csr } satisfies CsrRequest)
  if (wish.previous === undefined) return ''
  const { keyPem, certPem } = wish.previous
  return JSON.stringify({ keyPEM: toBase64(keyPem), certPEM: toBase64(certPem) } satisfies PairRequest)
}

export const credentialsAnswer = ({ ntoken, keyPem, certPem, caPem }: Credentials): CredentialsAnswer => ({
  ntoken,
  ...(keyPem === undefined ? {} : { keyPEM: toBase64(keyPem) }),
  certPEM: toBase64(certPem),
  caCertPEM: toBase64(caPem),
})

export function parseCredentialsAnswer(body: Uint8Array | string): Credentials {
  const members = membersOfBody(body)
  const [keyPem, certPem] = [base64Text(members, 'keypem'), base64Text(members, 'certpem')]
  if (certPem === '') throw invalid('no certificate')
  const caPem = base64Text(members, 'cacertpem')
  const ntoken = optionalText(members, 'ntoken', MAX_TOKEN) ?? ''
  return { ntoken, ...(keyPem === '' ? {} : { keyPem }), certPem, caPem }
}

export function parseNamesAnswer(body: Uint8Array | string): NamesAnswer {
  const members = membersOfBody(body)
  return {
    commonName: textOf(members, 'commonname', MAX_NAME),
    dns: namesOf(members, 'dns'),
    ip: namesOf(members, 'ip'),
    uri: namesOf(members, 'uri'),
  }
}

function namesOf(members: Members, name: string): readonly string[] {
  const list = members.get(name)
  if (!Array.isArray(list) || list.length > MAX_NAMES) throw invalid('not a list of names', { name })
  return list.map((member: unknown) => textOf(new Map([[name, member]]), name, MAX_NAME))
}
