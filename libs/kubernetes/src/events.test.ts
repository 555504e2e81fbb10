import { expect, test } from 'vitest'
import { KubernetesError } from './error.ts'
import { type PodEvent, recordPodEvent } from './events.ts'

const event: PodEvent = {
  pod: { namespace: 'media', name: 'web-0', uid: 'u-1' },
  type: 'Warning',
  reason: 'POD_ENDED',
  message: 'm'.repeat(2_000),
  source: { component: 'athenz-identity-agent', host: 'node-1' },
  at: Date.parse('2026-11-21T10:13:31.900Z'),
}

test('an event names its pod, its reason and its time, and is cut to what an api server takes', async () => {
  const seen: unknown[] = []
  const create = (path: string, object: object) => {
    seen.push(path, object)
    return Promise.resolve({ metadata: {} })
  }
  expect(await recordPodEvent({ create }, event)).toBe('recorded')
  expect(seen[0]).toBe('/api/v1/namespaces/media/events')
  expect(seen[1]).toMatchObject({
    metadata: { namespace: 'media', generateName: 'web-0.' },
    involvedObject: { kind: 'Pod', namespace: 'media', name: 'web-0', uid: 'u-1' },
    reason: 'POD_ENDED',
    message: 'm'.repeat(1_024),
    firstTimestamp: '2026-11-21T10:13:31Z',
    reportingInstance: 'node-1',
  })
})

test('an event that cannot be recorded is no error, and says why', async () => {
  const away = new KubernetesError('KUBE_UNREACHABLE', 'away')
  expect(await recordPodEvent({ create: () => Promise.reject(away) }, event)).toBe('KUBE_UNREACHABLE')
  expect(await recordPodEvent({ create: () => Promise.reject(new Error('stopped')) }, event)).toBe('ABORTED')
  const badName = { ...event, pod: { ...event.pod, namespace: '../x' } }
  expect(await recordPodEvent({ create: () => Promise.resolve({ metadata: {} }) }, badName)).toBe('KUBE_NOT_FOUND')
})
