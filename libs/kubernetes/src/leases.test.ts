import { expect, test } from 'vitest'
import { KubernetesError } from './error.ts'
import { createLease, deleteLease, leaseOf } from './leases.ts'

const metadata = {
  namespace: 'a',
  name: 'b',
  uid: 'u',
  resourceVersion: '7',
  creationTimestamp: '2026-11-21T10:13:31Z',
}

test('a lease is read with the time at which the api server made it', () => {
  const lease = leaseOf({ metadata, spec: { holderIdentity: 'me', leaseDurationSeconds: 600 } })
  expect(lease).toEqual({
    namespace: 'a',
    name: 'b',
    uid: 'u',
    resourceVersion: '7',
    labels: {},
    annotations: {},
    holder: 'me',
    durationSeconds: 600,
    createdAt: Date.parse('2026-11-21T10:13:31Z'),
  })
})

test.each([
  ['nothing', undefined, ''],
  ['no uid', { metadata: { ...metadata, uid: '' } }, 'metadata.uid'],
  ['no version', { metadata: { ...metadata, resourceVersion: null } }, 'metadata.resourceVersion'],
  ['no time', { metadata: { ...metadata, creationTimestamp: null } }, 'metadata.creationTimestamp'],
  ['a time that is none', { metadata: { ...metadata, creationTimestamp: 'now' } }, 'metadata.creationTimestamp'],
  ['labels that are no texts', { metadata: { ...metadata, labels: { a: 1 } } }, 'metadata.labels'],
  ['a duration with a fraction', { metadata, spec: { leaseDurationSeconds: 0.5 } }, 'spec.leaseDurationSeconds'],
])('%s is no lease', (_name, object, path) => {
  expect(() => leaseOf(object)).toThrow(expect.objectContaining({ code: 'KUBE_BAD_ANSWER', fields: { path } }))
})

test.each(['KUBE_TIMEOUT', 'KUBE_CONFLICT', 'KUBE_FORBIDDEN', 'KUBE_BUSY'] as const)(
  'when the api server says %s nobody knows who has the lease',
  async (code) => {
    const api = { create: () => Promise.reject(new KubernetesError(code, 'no')) }
    await expect(createLease(api, { namespace: 'a', name: 'b' })).rejects.toMatchObject({ code })
  },
)

test('a lease is deleted with its uid and version as preconditions', async () => {
  const seen: unknown[] = []
  const api = {
    delete: (path: string, options?: object) => {
      seen.push(path, options)
      return Promise.resolve()
    },
  }
  const lease = leaseOf({ metadata })
  expect(await deleteLease(api, lease)).toBe('deleted')
  expect(seen).toEqual(['/apis/coordination.k8s.io/v1/namespaces/a/leases/b', { uid: 'u', resourceVersion: '7' }])
})
