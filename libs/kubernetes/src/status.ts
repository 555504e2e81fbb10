/** What a refusal by an API server or kubelet means: HTTP status, `Status` object and Retry-After in one error. */
import { KubernetesError, type KubernetesErrorCode } from './error.ts'
import { isObject, parseJson } from './json.ts'

const DETAIL_LIMIT = 500
const RETRY_AFTER_LIMIT_MS = 300_000

export interface Refusal {
  readonly status: number
  /** Value of the Retry-After header: seconds. */
  readonly retryAfter: string | undefined
  readonly body: string
}

/** `fields.reason` and `fields.detail` hold what the server said: `Status.reason`, and `Status.message`, cut. */
export function errorOfRefusal({ status, retryAfter, body }: Refusal): KubernetesError {
  const parsed = parseJson(body)
  return errorOfStatus(isObject(parsed) ? parsed : {}, status, retryAfter)
}

/** A `Status` object that came instead of what was asked for, in a body or as an event of a watch. */
export function errorOfStatus(
  object: Readonly<Record<string, unknown>>,
  httpStatus?: number,
  retryAfter?: string,
): KubernetesError {
  const status = httpStatus ?? (typeof object['code'] === 'number' ? object['code'] : 500)
  const reason = typeof object['reason'] === 'string' ? object['reason'].slice(0, DETAIL_LIMIT) : undefined
  const detail = typeof object['message'] === 'string' ? object['message'].slice(0, DETAIL_LIMIT) : undefined
  const wait = waitOf(retryAfter) ?? waitOf(detailsWait(object['details']))
  return new KubernetesError(codeOf(status, reason), 'the server refused', {
    status,
    fields: { status, ...(reason === undefined ? {} : { reason }), ...(detail === undefined ? {} : { detail }) },
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  })
}

function codeOf(status: number, reason: string | undefined): KubernetesErrorCode {
  if (status === 401) return 'KUBE_UNAUTHORIZED'
  if (status === 403) return 'KUBE_FORBIDDEN'
  if (status === 404) return 'KUBE_NOT_FOUND'
  if (status === 409) return reason === 'AlreadyExists' ? 'KUBE_EXISTS' : 'KUBE_CONFLICT'
  if (status === 410) return 'KUBE_GONE'
  if (status === 429 || status >= 500) return 'KUBE_BUSY'
  if (status >= 400) return 'KUBE_INVALID'
  return 'KUBE_BAD_ANSWER'
}

const detailsWait = (details: unknown): string | undefined =>
  isObject(details) && typeof details['retryAfterSeconds'] === 'number' ? `${details['retryAfterSeconds']}` : undefined

const waitOf = (seconds: string | undefined): number | undefined =>
  seconds !== undefined && /^\d{1,9}$/.test(seconds) && seconds !== '0'
    ? Math.min(Number(seconds) * 1_000, RETRY_AFTER_LIMIT_MS)
    : undefined
