/** One HTTP/1.1 exchange at a time, each with a deadline; no redirects, no proxies, no connection reuse promised. */
export interface Http {
  /**
   * Resolves with any status the peer sends. Otherwise rejects: `HOST_UNREACHABLE` when nobody answers (refused, reset
   * before an answer, no such name or socket), `HOST_TLS` when one side does not trust the other, `HOST_BAD_ANSWER`
   * when what comes is not HTTP, ends early (over TLS, where nothing tells its length, without the peer's saying so),
   * is in another coding than `chunked` or switches to another protocol; with the signal's reason when it aborts.
   */
  exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>
}

export interface HttpRequest {
  readonly to: HttpPeer
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Absolute path and query, already encoded. `HOST_IO` when a character in it or in a header cannot be sent. */
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

/**
 * TLS 1.2 or later with the roots given and no others; the server's name or address is checked against `host`, by the
 * names that its certificate lists and never by its subject.
 *
 * A root is an authority that signs itself, is valid now, says that it is an authority that may sign certificates, and
 * has no more authorities below it than it allows; one that is not is left out. Not promised: whether an authority
 * that another has signed is a root too, and whether a server may be its own.
 */
export interface TlsPeer {
  readonly kind: 'tls'
  readonly host: string
  readonly port: number
  /** At least one certificate, else `HOST_TLS`, as for a client with an empty key or certificate. */
  readonly caPem: string
  readonly client?: { readonly keyPem: string; readonly certPem: string }
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; repeated headers joined by a comma and a blank. */
  readonly headers: Readonly<Record<string, string>>
  /** Read as UTF-8. */
  readonly body: string
}
