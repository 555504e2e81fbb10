/** What the contract of HTTP asks, and whom. */
import type { HttpPeer, HttpRequest } from '../http.ts'

export const get = (to: HttpPeer, other: Partial<HttpRequest> = {}): HttpRequest => ({
  to,
  method: 'GET',
  path: '/',
  timeoutMs: 5_000,
  maxBytes: 10_000,
  ...other,
})
export const tcp = (port: number): HttpPeer => ({ kind: 'tcp', host: '127.0.0.1', port })
export const unix = (socketPath: string): HttpPeer => ({ kind: 'unix', socketPath })
