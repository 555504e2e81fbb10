import { describe, expect, test } from 'vitest'
import { container, deleting, openParts, podWith, sidecar } from '../testing/pod-parts.ts'
import { startPod } from './pod-worker.ts'

const VOLUMES = [{ name: 'identity', flexVolume: { driver: 'v/d' } }, { name: 'tls', emptyDir: {} }]

describe('a launch', () => {
  test('goes from volumes over init containers, one after the other, to sidecars and the application', async () => {
    const { deps, runtime, clock, volumes, steps } = openParts()
    startPod(podWith({ volumes: VOLUMES, initContainers: [container('one'), container('two'), sidecar('beside')] }), deps)
    await clock.advance(0)
    expect(volumes.calls).toEqual(['set up identity', 'set up tls'])
    expect(steps[0]).toBe('volume identity mounted')
    expect(runtime.names).toEqual(['one'])
    runtime.newest('one').end(0)
    await clock.advance(0)
    expect(runtime.names).toEqual(['one', 'two'])
    runtime.newest('two').end(0)
    await clock.advance(0)
    expect(runtime.names).toEqual(['one', 'two', 'beside', 'main'])
  })

  test('waits for a volume that cannot be had, and starts nothing before', async () => {
    const { deps, runtime, clock, volumes, steps } = openParts()
    volumes.failures = 3
    startPod(podWith({ volumes: VOLUMES }), deps)
    await clock.advance(0)
    expect(runtime.names).toEqual([])
    await clock.advance(10_000)
    expect(volumes.calls.filter((call) => call === 'set up identity')).toHaveLength(4)
    expect(steps.filter((step) => step.startsWith('volume identity failed'))).toHaveLength(3)
    expect(runtime.names).toEqual(['main'])
  })

  test('shows the address some time after it began, and tells the containers that start after that', async () => {
    const { deps, clock, api } = openParts()
    const worker = startPod(podWith(), deps)
    await clock.advance(99)
    expect(worker.current().status?.['podIP']).toBeUndefined()
    await clock.advance(1)
    expect(worker.current().status).toMatchObject({ podIP: '10.0.0.1', hostIP: '192.0.2.1', phase: 'Running' })
    expect(api.statuses.at(-1)).toMatchObject({ podIP: '10.0.0.1' })
  })

  test('puts every process in the cgroup of its pod and container', async () => {
    const { deps, runtime, clock } = openParts()
    const pod = podWith()
    startPod(pod, deps)
    await clock.advance(0)
    const { cgroup, id } = runtime.newest('main').spec
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(cgroup).toBe(`/kubepods/besteffort/pod${pod.metadata.uid}/${id}`)
  })
})

describe('an init container that fails', () => {
  test('is the end of a pod that never restarts; its volumes go, and the application is never started', async () => {
    const { deps, runtime, clock, api, volumes } = openParts()
    const worker = startPod(podWith({ restartPolicy: 'Never', volumes: VOLUMES, initContainers: [container('init'), sidecar('beside')] }), deps)
    await clock.advance(0)
    runtime.newest('init').end(77)
    await clock.advance(0)
    expect(worker.current().status).toMatchObject({
      phase: 'Failed',
      initContainerStatuses: [{ state: { terminated: { exitCode: 77, reason: 'Error' } } }, { state: { waiting: {} } }],
    })
    expect(api.statuses.at(-1)).toMatchObject({ phase: 'Failed' })
    expect(runtime.names).toEqual(['init'])
    expect(volumes.calls).toEqual(['set up identity', 'set up tls', 'tear down identity', 'tear down tls'])
    expect(api.forgotten).toEqual([])
  })

  test('is tried again, ever more slowly, where the pod may restart', async () => {
    const { deps, runtime, clock } = openParts()
    const worker = startPod(podWith({ initContainers: [container('init')] }), deps)
    await clock.advance(0)
    for (const [wait, starts] of [[500, 2], [1_000, 3], [2_000, 4]] as const) {
      runtime.newest('init').end(75)
      await clock.advance(wait - 1)
      expect(runtime.started).toHaveLength(starts - 1)
      expect(worker.current().status).toMatchObject({ phase: 'Pending', initContainerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] })
      await clock.advance(1)
      expect(runtime.started).toHaveLength(starts)
    }
    runtime.newest('init').end(0)
    await clock.advance(0)
    expect(runtime.newest('main').spec.argv).toEqual(['main'])
  })
})

describe('a pod whose containers ended by themselves', () => {
  test.each([
    ['Succeeded', 0],
    ['Failed', 3],
  ])('is %s when they ended with %i and never restart; its sidecar is stopped', async (phase, code) => {
    const { deps, runtime, clock, volumes } = openParts()
    const worker = startPod(podWith({ restartPolicy: 'Never', volumes: VOLUMES, initContainers: [sidecar('beside')] }), deps)
    await clock.advance(0)
    runtime.newest('main').end(code)
    await clock.advance(0)
    expect(worker.current().status).toMatchObject({ phase })
    expect(runtime.newest('beside').signals).toEqual(['SIGTERM'])
    expect(volumes.calls.slice(-2)).toEqual(['tear down identity', 'tear down tls'])
  })
})

describe('a deletion', () => {
  test('stops the application, then the sidecars, last started first, then takes volumes and name away', async () => {
    const { deps, runtime, clock, volumes, api, steps } = openParts()
    runtime.obeys = []
    const pod = podWith({ volumes: VOLUMES, initContainers: [sidecar('first'), sidecar('second')] })
    const worker = startPod(pod, deps)
    await clock.advance(0)
    worker.update(deleting(pod))
    const sent = () => ['main', 'second', 'first'].map((name) => runtime.newest(name).signals[0] ?? 'nothing')
    for (const [at, name] of ['main', 'second', 'first'].entries()) {
      await clock.advance(0)
      expect(sent()).toEqual([0, 1, 2].map((index) => (index <= at ? 'SIGTERM' : 'nothing')))
      expect(volumes.calls).not.toContain('tear down identity')
      runtime.newest(name).end(0)
    }
    await clock.advance(0)
    await worker.gone
    expect(volumes.calls.slice(-3)).toEqual(['tear down identity', 'tear down tls', 'forget pod'])
    expect(api.forgotten).toEqual([pod.metadata.uid])
    expect(steps.at(-1)).toBe('deleted')
  })

  test('kills what does not obey when the grace is over, and a shorter grace counts at once', async () => {
    const { deps, runtime, clock } = openParts()
    runtime.obeys = []
    const pod = podWith()
    const worker = startPod(pod, deps)
    await clock.advance(0)
    worker.update(deleting(pod, 60))
    await clock.advance(5_000)
    expect(runtime.newest('main').signals).toEqual(['SIGTERM'])
    worker.update(deleting(pod, 2))
    await clock.advance(1_999)
    expect(runtime.newest('main').signals).not.toContain('SIGKILL')
    await clock.advance(1)
    await worker.gone
    expect(runtime.newest('main').signals).toContain('SIGKILL')
  })

  test('ends a launch that hangs on a volume', async () => {
    const { deps, clock, volumes, api, runtime } = openParts()
    volumes.failures = Infinity
    const pod = podWith({ volumes: VOLUMES })
    const worker = startPod(pod, deps)
    await clock.advance(1_000)
    worker.update(deleting(pod))
    await clock.advance(0)
    await worker.gone
    expect(runtime.names).toEqual([])
    expect(api.forgotten).toEqual([pod.metadata.uid])
  })

  test('ends the init container that runs, and starts nothing after it', async () => {
    const { deps, clock, runtime } = openParts()
    const pod = podWith({ initContainers: [container('init'), sidecar('beside')] })
    const worker = startPod(pod, deps)
    await clock.advance(0)
    worker.update(deleting(pod))
    await clock.advance(0)
    await worker.gone
    expect(runtime.names).toEqual(['init'])
  })
})

test('a sidecar that ends is started again, with back-off, while the application runs on', async () => {
  const { deps, clock, runtime } = openParts()
  const worker = startPod(podWith({ restartPolicy: 'Never', initContainers: [sidecar('beside')] }), deps)
  await clock.advance(0)
  runtime.newest('beside').end(1)
  await clock.advance(499)
  expect(runtime.names).toEqual(['beside', 'main'])
  await clock.advance(1)
  expect(runtime.names).toEqual(['beside', 'main', 'beside'])
  expect(worker.current().status).toMatchObject({ phase: 'Running', initContainerStatuses: [{ restartCount: 1, state: { running: {} } }] })
  expect(runtime.newest('main').signals).toEqual([])
})

test('what is run beside a container ends with the pod', async () => {
  const { deps, clock, runtime } = openParts()
  const pod = podWith()
  const worker = startPod(pod, deps)
  await clock.advance(0)
  await expect(worker.exec('other', ['true'])).rejects.toThrow('no container other')
  const exec = worker.exec('main', ['sleep']).catch((error: unknown) => error)
  await clock.advance(0)
  const [, beside] = runtime.started
  expect(beside?.spec).toMatchObject({ argv: ['sleep'], cgroup: expect.stringContaining(pod.metadata.uid) as string })
  worker.update(deleting(pod))
  await clock.advance(0)
  await worker.gone
  expect(beside?.signals).toEqual(['SIGKILL'])
  await exec
})
