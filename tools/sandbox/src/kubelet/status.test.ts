import { podOf } from '@pallas/kubernetes'
import { describe, expect, test } from 'vitest'
import { container, podWith, sidecar } from '../testing/pod-parts.ts'
import { type ContainerState, phaseOf, statusOf } from './status.ts'

const running: ContainerState = { id: 'a1', restartCount: 0, state: { kind: 'running', startedAt: '2030-01-01T00:00:00Z' } }
const waiting: ContainerState = { id: undefined, restartCount: 2, state: { kind: 'waiting', reason: 'CrashLoopBackOff' } }
const ended = (exitCode: number): ContainerState => ({
  id: 'a1',
  restartCount: 0,
  state: { kind: 'terminated', exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', finishedAt: '2030-01-01T00:00:01Z' },
})

const two = { initContainers: [container('init'), sidecar('beside')], containers: [container('a'), container('b')] }
const states = (given: Record<string, ContainerState>) => new Map(Object.entries(given))

describe('the phase of a pod', () => {
  test.each([
    ['Pending', 'Always', {}],
    ['Pending', 'Always', { init: running }],
    ['Pending', 'Always', { init: waiting }],
    ['Pending', 'Always', { init: ended(77) }],
    ['Failed', 'Never', { init: ended(77) }],
    ['Pending', 'OnFailure', { init: ended(77) }],
    ['Pending', 'Never', { init: ended(0), beside: running }],
    ['Pending', 'Never', { init: ended(0), beside: ended(1) }],
    ['Running', 'Always', { init: ended(0), beside: running, a: running }],
    ['Running', 'Never', { a: running, b: ended(1) }],
    ['Running', 'Never', { a: ended(0) }],
    ['Succeeded', 'Never', { a: ended(0), b: ended(0) }],
    ['Succeeded', 'OnFailure', { a: ended(0), b: ended(0) }],
    ['Running', 'Always', { a: ended(0), b: ended(0) }],
    ['Failed', 'Never', { a: ended(0), b: ended(3) }],
    ['Running', 'OnFailure', { a: ended(0), b: ended(3) }],
    ['Running', 'Always', { a: running, b: waiting }],
  ] as const)('is %s with %s and %j', (phase, restartPolicy, given) => {
    expect(phaseOf(podWith({ ...two, restartPolicy }), states(given))).toBe(phase)
  })
})

const progress = { ip: '10.0.0.1', hostIp: '192.0.2.1', startTime: '2030-01-01T00:00:00Z' }

test('the status is one that the product reads as the pod it is', () => {
  const pod = podWith(two)
  const status = statusOf(pod, { ...progress, containers: states({ a: running, b: running }) })
  expect(podOf({ ...pod, status })).toMatchObject({ phase: 'Running', ip: '10.0.0.1', node: 'node-1', deleting: false })
})

test('a pod without an address shows none, and one that is not up is not ready', () => {
  const status = statusOf(podWith(two), { ...progress, ip: '', containers: states({ a: running }) })
  expect(status).not.toHaveProperty('podIP')
  expect(status).not.toHaveProperty('podIPs')
  expect(status['conditions']).toContainEqual({ type: 'Ready', status: 'False' })
  expect(status['containerStatuses']).toMatchObject([
    { name: 'a', ready: true, containerID: 'containerd://a1' },
    { name: 'b', ready: false, state: { waiting: { reason: 'PodInitializing' } } },
  ])
})

test('a pod without init containers reports none', () => {
  expect(statusOf(podWith(), { ...progress, containers: new Map() })).not.toHaveProperty('initContainerStatuses')
})
