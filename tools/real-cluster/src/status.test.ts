import { expect, test } from 'vitest'
import { clusterAt } from './layout.ts'
import { statusLines } from './status.ts'

const status = { ...clusterAt('/var/lib/some'), kubectl: '/cache/kubectl', state: 'broken' as const, residentBytes: 3 * 2 ** 20 }

test('a person sees what runs, what has ended and where to look', () => {
  const processes = [
    { name: 'kubelet', pid: 7, alive: true, residentBytes: 2 ** 21 },
    { name: 'etcd', pid: 8, alive: false, residentBytes: 0 },
  ]
  const lines = statusLines({ ...status, processes })
  expect(lines[0]).toBe('the cluster is broken')
  expect(lines.join('\n')).toMatch(/kubeconfig +\/var\/lib\/some\/admin\.kubeconfig[^]*kubelet +pid 7, 2 MiB[^]*etcd +has ended[^]*3 MiB/)
})

test('of a cluster that is down there is nothing to see', () => {
  expect(statusLines({ ...status, state: 'down', processes: [] })).toEqual(['the cluster is down'])
})
