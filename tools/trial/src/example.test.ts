import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createInspection, waitForExample } from './example.ts'
import { fakeKubectl } from './testing/fake-kubectl.ts'
import type { ContainerState, Pod } from './workloads.ts'

const state = (name: string, rest: Partial<ContainerState>): ContainerState => ({ name, image: 'i', ready: false, restartCount: 0, ...rest })
const waiting = (name: string, reason: string) => state(name, { state: { waiting: { reason } } })

const podOf = (initContainerStatuses: readonly ContainerState[], initContainers = [{ name: 'sia-init' }]): Pod => ({
  metadata: { name: 'web-1', namespace: 'athenz-trial', uid: 'u', creationTimestamp: '' },
  spec: { initContainers },
  status: { phase: 'Pending', initContainerStatuses, containerStatuses: [waiting('main', 'PodInitializing')] },
})

const events = (...items: readonly object[]) => JSON.stringify({ items })
const unmounted = (count: number, message = 'err=no volume plugin matched') => ({ metadata: { uid: 'e' }, reason: 'FailedMount', message, count })

test('a pod that nobody injected anything into is told at once', async () => {
  const inspect = createInspection(fakeKubectl([]), '/plugins')
  await expect(inspect([podOf([], [])])).rejects.toMatchObject({ code: 'TRIAL_NOT_INJECTED' })
})

test('a kubelet that goes on finding no driver looks elsewhere; what it said before this trial does not count', async () => {
  let said = events(unmounted(9))
  const inspect = createInspection(fakeKubectl([['events', () => said]]), '/plugins')
  const pods = [podOf([waiting('sia-init', 'PodInitializing')])]
  await inspect(pods)
  said = events(unmounted(10))
  await inspect(pods)
  said = events(unmounted(11))
  await expect(inspect(pods)).rejects.toMatchObject({ code: 'TRIAL_DRIVER_MISSING', message: expect.stringContaining('/plugins') })
})

test('a mount that fails for another reason is not the fault of the directory', async () => {
  let count = 0
  const inspect = createInspection(fakeKubectl([['events', () => events(unmounted(++count, 'timed out'))]]), '/plugins')
  for (let look = 0; look < 5; look++) await inspect([podOf([waiting('sia-init', 'PodInitializing')])])
  expect(count).toBe(5)
})

test('a SIA that gets no identity is quoted', async () => {
  const denied = podOf([waiting('sia-init', 'CrashLoopBackOff')])
  const kubectl = fakeKubectl([
    ['deployments,daemonsets', JSON.stringify({ items: [{ kind: 'Deployment', metadata: { name: 'web', generation: 1 }, spec: { replicas: 1 }, status: {} }] })],
    ['pods', JSON.stringify({ items: [denied] })],
    ['events', events()],
    ['logs', 'athenz-sia: ISSUER_DENIED: zts refused to issue the identity\n'],
  ])
  const clock = new FakeClock()
  const waitingFor = waitForExample({ kubectl, clock, signal: new AbortController().signal, say: () => undefined }, { until: clock.monotonic(), pluginDir: '/plugins' })
  await expect(waitingFor).rejects.toMatchObject({ code: 'TRIAL_NO_IDENTITY', message: expect.stringContaining('ISSUER_DENIED') })
})
