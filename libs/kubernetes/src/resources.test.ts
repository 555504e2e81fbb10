import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isKubernetesError } from './error.ts'
import { apiVersionOf, LEASES, NODES, pathOf, PODS, SERVICE_ACCOUNTS } from './resources.ts'

test.each([
  [pathOf(PODS), '/api/v1/pods'],
  [pathOf(PODS, { namespace: 'media' }), '/api/v1/namespaces/media/pods'],
  [pathOf(PODS, { namespace: 'media', name: 'web.0' }), '/api/v1/namespaces/media/pods/web.0'],
  [pathOf(NODES, { name: 'node-1' }), '/api/v1/nodes/node-1'],
  [pathOf(LEASES, { namespace: 'a', name: 'b' }), '/apis/coordination.k8s.io/v1/namespaces/a/leases/b'],
  [
    pathOf(SERVICE_ACCOUNTS, { namespace: 'a', name: 'b', subresource: 'token' }),
    '/api/v1/namespaces/a/serviceaccounts/b/token',
  ],
])('%s is %s', (path, wanted) => {
  expect(path).toBe(wanted)
})

test('a group is part of the version, but for the core', () => {
  expect([apiVersionOf(PODS), apiVersionOf(LEASES)]).toEqual(['v1', 'coordination.k8s.io/v1'])
})

test('whatever the name, it is one segment of the path or no name at all', () => {
  const nasty = fc.oneof(fc.string(), fc.constantFrom('..', '.', 'a/../b', 'a?b=c', 'a#b', 'a%2e%2e', 'a..b', 'a\n'))
  const property = fc.property(nasty, (name) => {
    try {
      const path = pathOf(PODS, { namespace: 'media', name })
      expect(new URL(path, 'https://api').pathname).toBe(path)
      expect(decodeURIComponent(path.split('/')[6] ?? '')).toBe(name)
      expect(path.split('/')).toHaveLength(7)
    } catch (error) {
      expect(isKubernetesError(error, 'KUBE_NOT_FOUND')).toBe(true)
    }
  })
  fc.assert(property)
})
