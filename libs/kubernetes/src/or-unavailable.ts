import { IdentityError } from '@pallas/identity'
import { isKubernetesError } from './error.ts'

/**
 * What the API server could not answer, as the suite tells its callers: "not now" (`API_UNAVAILABLE`, with the wait that
 * was asked for), never a no. For calls whose foreseen answers are values already, such as `getPod`.
 */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    const retryAfterMs = isKubernetesError(cause) ? cause.retryAfterMs : undefined
    const rest = retryAfterMs === undefined ? { cause } : { cause, retryAfterMs }
    throw new IdentityError('API_UNAVAILABLE', 'the api server gave no answer', {}, rest)
  }
}
