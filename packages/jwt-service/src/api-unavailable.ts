import { IdentityError } from '@pallas/identity'
import { isKubernetesError } from '@pallas/kubernetes'

/** What the API server could not answer is "not now", never a no: `API_UNAVAILABLE`, with the wait it asked for. */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    const retryAfterMs = isKubernetesError(cause) ? cause.retryAfterMs : undefined
    const rest = retryAfterMs === undefined ? { cause } : { cause, retryAfterMs }
    throw new IdentityError('API_UNAVAILABLE', 'the api server gave no answer', {}, rest)
  }
}
