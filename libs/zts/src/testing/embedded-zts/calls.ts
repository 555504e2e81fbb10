/** What a ZTS was asked and what became of it: for tests to judge, for a timeline to show. No secrets, no documents. */

/** Who is at the other end. */
export interface Caller {
  readonly clientIp: string
  readonly userAgent: string | undefined
  /** What the request body says, if it does. */
  readonly hostname?: string | undefined
}

export type Operation =
  | 'register'
  | 'refresh'
  | 'delete'
  | 'refresh-service'
  | 'role-certificate'
  | 'access-token'
  | 'role-token'
  | 'status'
  | 'cacerts'
  | 'keys'
  | 'unknown'

/** Filled in while the call is handled. */
export interface CallFacts {
  operation: Operation
  /** Tells connections apart. */
  readonly clientPort: number | undefined
  /** `<domain>.<service>` of the caller's certificate or token. */
  principal?: string
  provider?: string
  domain?: string
  service?: string
  instanceId?: string
  /** Roles of `domain` that were asked for, then those that were granted. */
  roles?: readonly string[]
  /** The provider's callback, when it was asked. */
  callback?: { readonly status: number | undefined; readonly durationMs: number }
  /** Upper-case hex of the certificate issued. */
  serial?: string
  expiryMinutes?: number
  /** Life of the token issued. */
  expirySeconds?: number
}

export interface ZtsCall extends Readonly<CallFacts> {
  /** Epoch milliseconds. */
  readonly at: number
  readonly durationMs: number
  /** Undefined when the connection was cut instead of an answer. */
  readonly status: number | undefined
  /** The text of a refusal. */
  readonly message?: string
}
