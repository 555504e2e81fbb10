import { expect, test } from 'vitest'
import { checkImages, type ContainerState, holdUpOf, type Pod, stuckContainerOf, workloadOf } from './workloads.ts'

const deployment = (status: Record<string, number>) => workloadOf({ kind: 'Deployment', metadata: { name: 'web', generation: 2 }, spec: { replicas: 2 }, status })
const isDone = (status: Record<string, number>) => workloadOf({ kind: 'DaemonSet', metadata: { name: 'agent', generation: 1 }, spec: {}, status }).isDone
const WHOLE = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2 }

test('a Deployment is done when all its replicas are new and ready, and none is left over', () => {
  expect(deployment(WHOLE)).toMatchObject({ ready: 2, wanted: 2, isDone: true })
  expect(deployment({ ...WHOLE, observedGeneration: 1 }).isDone).toBe(false)
  expect(deployment({ ...WHOLE, replicas: 3 }).isDone).toBe(false)
  expect(deployment({ ...WHOLE, updatedReplicas: 1 }).isDone).toBe(false)
  expect(deployment({}).isDone).toBe(false)
})

test('a DaemonSet is done when it runs somewhere, and everywhere', () => {
  expect(isDone({ observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 3 })).toBe(true)
  expect(isDone({ observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberReady: 3 })).toBe(false)
  expect(isDone({ observedGeneration: 1, desiredNumberScheduled: 0, updatedNumberScheduled: 0, numberReady: 0 })).toBe(false)
})

const container = (rest: Partial<ContainerState>): ContainerState => ({ name: 'main', image: 'localhost/pallas/x:1', ready: false, restartCount: 0, ...rest })
const pod = (containerStatuses: readonly ContainerState[], initContainerStatuses: readonly ContainerState[] = []): Pod => ({
  metadata: { name: 'web-1', namespace: 'shop', uid: 'u', creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: { nodeName: 'node-7' },
  status: { phase: 'Pending', containerStatuses, initContainerStatuses },
})

test.each(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'])('%s ends the trial with the node and the image', (reason) => {
  const lacking = pod([container({ state: { waiting: { reason } } })])
  expect(() => checkImages([lacking])).toThrow(expect.objectContaining({ code: 'TRIAL_IMAGE_MISSING', message: expect.stringMatching(/node-7 .*localhost\/pallas\/x:1/) }))
})

test('a pod that waits for something else is waited for', () => {
  expect(() => checkImages([pod([container({ state: { waiting: { reason: 'PodInitializing' } } })])])).not.toThrow()
})

test('what holds a pod up is the first container that is not done, with how it ended', () => {
  const init = container({ name: 'sia-init', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 77 } }, restartCount: 3 })
  const held = pod([container({ state: { waiting: { reason: 'PodInitializing' } } })], [init])
  expect(holdUpOf(held)).toBe('web-1: container sia-init CrashLoopBackOff, ended with 77 (3 restarts)')
  expect(stuckContainerOf(held)).toBe('sia-init')
})

test('an init container that has ended well holds nobody up', () => {
  const done = container({ name: 'sia-init', state: { terminated: { exitCode: 0 } } })
  expect(holdUpOf(pod([container({ ready: true })], [done]))).toBeUndefined()
})

test('a pod that no node takes says why', () => {
  const homeless: Pod = { ...pod([]), status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', lastTransitionTime: '', message: '0/1 nodes are available' }] } }
  expect(holdUpOf(homeless)).toBe('web-1: 0/1 nodes are available')
})
