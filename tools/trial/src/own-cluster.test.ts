import { expect, test } from 'vitest'
import { ownClusterOf } from './own-cluster.ts'

const STATUS = { state: 'up', kubeconfig: '/s/admin.kubeconfig', kubectl: '/c/kubectl', kubectlCache: '/s/cache', flexVolumeDirectory: '/plugins', more: 1 }

test('a cluster that is up says where everything is', () => {
  expect(ownClusterOf(JSON.stringify(STATUS))).toEqual({ kubeconfig: '/s/admin.kubeconfig', kubectl: '/c/kubectl', kubectlCache: '/s/cache', pluginDir: '/plugins' })
})

test.each([
  ['one that is down', JSON.stringify({ ...STATUS, state: 'down' })],
  ['one that has lost its kubectl', JSON.stringify({ ...STATUS, kubectl: undefined })],
  ['no answer', ''],
  ['another answer', '[]'],
  ['nothing at all', 'null'],
])('%s is none', (_what, stdout) => {
  expect(ownClusterOf(stdout)).toBeUndefined()
})
