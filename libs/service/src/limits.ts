/** How long and how much any caller may ask of a server. Nothing here is unlimited. */
export interface Limits {
  /** TLS handshake. */
  readonly handshakeTimeoutMs: number
  /** Until the last byte of the headers. */
  readonly headersTimeoutMs: number
  /** Until the last byte of the body. */
  readonly requestTimeoutMs: number
  /** Until the handler has answered: then the caller gets 503 `BUSY`. */
  readonly handlerTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
}

export const DEFAULT_LIMITS: Limits = {
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  handlerTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 2_000,
}

/** As the options of `node:http` and `node:https` servers. How often Node looks bounds how late a timeout may be. */
export const httpOptionsOf = (limits: Limits) => ({
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  maxHeaderSize: limits.maxHeaderBytes,
  connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
})
