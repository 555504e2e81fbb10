import { expect, test } from 'vitest'
import { KubernetesError } from './error.ts'
import { orUnavailable } from './or-unavailable.ts'

test('an answer passes', async () => {
  expect(await orUnavailable(Promise.resolve('pod'))).toBe('pod')
})

test.each([
  ['a busy server and the wait it asks for', new KubernetesError('KUBE_BUSY', 'busy', { retryAfterMs: 3_000 }), 3_000],
  ['missing rights, which are ours to mend', new KubernetesError('KUBE_FORBIDDEN', 'no'), undefined],
  ['an abort', new DOMException('late', 'TimeoutError'), undefined],
])('%s is not now, never a no', async (_name, cause, retryAfterMs) => {
  const error: unknown = await orUnavailable(Promise.reject(cause)).catch((it: unknown) => it)
  expect(error).toMatchObject({ code: 'API_UNAVAILABLE', kind: 'unavailable', retryAfterMs, cause })
})
