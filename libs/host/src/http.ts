/** One HTTP/1.1 exchange at a time, each with a deadline; no redirects, no proxies, no connection reuse promised. */
export interface Http {
  /** Resolves with any status the peer sends; rejects with `HostError` when there is none in time. */
  exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>
}

export interface HttpRequest {
  readonly to: HttpPeer
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Absolute path and query, already encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange, connecting included. `HOST_TIMEOUT` after it. */
  readonly timeoutMs: number
  /** `HOST_TOO_LARGE` when the answer's body is longer. */
  readonly maxBytes: number
}

export type HttpPeer =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | TlsPeer

/** TLS with the roots given and no others; the server's name is checked against `host`. */
export interface TlsPeer {
  readonly kind: 'tls'
  readonly host: string
  readonly port: number
  readonly caPem: string
  readonly client?: { readonly keyPem: string; readonly certPem: string }
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; repeated headers joined by a comma and a blank. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
