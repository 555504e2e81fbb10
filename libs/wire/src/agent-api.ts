/**
 * What a pod's SIA and the identity agent say to each other over `connect/agent.sock` (HTTP/1.1, JSON).
 *
 * Two forms: the caller's key (`GET /v1/names/<handle>`, then a CSR), and the original's (no CSR, the agent makes the key
 * and PEM fields travel as base64). Every answer that is not 200 carries an `ErrorBody`.
 */
import type { WorkloadNames } from '@pallas/identity'

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

/** Answer of `init` and `refresh`. PEM fields are standard base64 of PEM text; `keyPEM` only where the agent made the key. */
export interface CredentialsAnswer {
  readonly ntoken: string
  readonly keyPEM?: string
  readonly certPEM: string
  readonly caCertPEM: string
}
