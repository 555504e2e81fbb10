export type KubernetesErrorCode =
  | 'KUBE_UNREACHABLE'
  | 'KUBE_TIMEOUT'
  | 'KUBE_BUSY'
  | 'KUBE_UNAUTHORIZED'
  | 'KUBE_FORBIDDEN'
  | 'KUBE_NOT_FOUND'
  | 'KUBE_CONFLICT'
  | 'KUBE_EXISTS'
  | 'KUBE_GONE'
  | 'KUBE_INVALID'
  | 'KUBE_BAD_ANSWER'
  | 'KUBE_BAD_REVIEW'

const WORTH_RETRYING: ReadonlySet<KubernetesErrorCode> = new Set(['KUBE_UNREACHABLE', 'KUBE_TIMEOUT', 'KUBE_BUSY'])

export interface KubernetesErrorRest {
  /** HTTP status, when there was an answer. */
  readonly status?: number
  /** How long the server asked to wait. */
  readonly retryAfterMs?: number
  /** Facts for the log: never a token, never an object. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * The API server or the kubelet did not do what was asked. `code` says what to do next:
 *
 * - `UNREACHABLE`, `TIMEOUT`, `BUSY`: try again later, after `retryAfterMs` if it is there;
 * - `UNAUTHORIZED`, `FORBIDDEN`: our token or our rights are wrong, which a person must mend;
 * - `NOT_FOUND`, `EXISTS`, `CONFLICT`: the object is absent, already there, or another version than expected;
 * - `GONE`: the resource version or continue token is too old, so list anew;
 * - `INVALID`: the request itself is refused and will be again;
 * - `BAD_ANSWER`, `BAD_REVIEW`: bytes that are not what the protocol says.
 */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError'
  readonly code: KubernetesErrorCode
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: KubernetesErrorCode, message: string, rest: KubernetesErrorRest = {}) {
    super(message, 'cause' in rest ? { cause: rest.cause } : undefined)
    this.code = code
    this.status = rest.status
    this.retryAfterMs = rest.retryAfterMs
    this.fields = rest.fields ?? {}
  }

  get retryable(): boolean {
    return WORTH_RETRYING.has(this.code)
  }
}

/** Whether `error` is ours and has one of these codes. */
export const isKubernetesError = (error: unknown, ...codes: KubernetesErrorCode[]): error is KubernetesError =>
  error instanceof KubernetesError && (codes.length === 0 || codes.includes(error.code))
