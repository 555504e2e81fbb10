/** The node is disturbed while pods live on it: what they have stays, what they need comes back, and nothing piles up. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { restart } from '@pallas/real-cluster'
import { certificateOf, deletePod, eventually, getPod, handleOf, isRunning, launch, type PodObject, renewed, request, serialOf, waitForPod } from '@pallas/suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyController, podsOfApp, templateOf } from './controllers.ts'
import { kubectl } from './kubectl.ts'
import { kubeletPid, mountsBelow, processesOf } from './processes.ts'
import { podsOf, untilReady } from './world/replicas.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'

let it: ClusterWorld
let baseline: readonly string[]
let web: PodObject

const MANY = 50
const IDLE = ['sleep', '3600']

/** Mounts that the driver has made: the trees, and their binds in pods. */
const driverMounts = () => [...mountsBelow(it.node.volumesDir), ...mountsBelow(join(it.cluster.kubeletRoot, 'pods')).filter((path) => path.includes('~athenz-volume-driver/'))]

beforeAll(async () => {
  it = await openWorld({ refreshInterval: '5s' })
  baseline = driverMounts()
  web = await launch(it, request(it, 'web-0'))
})
afterAll(async () => {
  await kubectl(['delete', 'deployments', '--all', '--namespace=shop', '--timeout=180s'], { deadlineMs: 190_000 })
  await it[Symbol.asyncDispose]()
})

const quietly = { say: () => undefined }

/** How often containers of the pod were started anew. */
const restartsOf = async (pod: PodObject): Promise<number> => {
  const { status } = await getPod(it, pod.metadata)
  const reports = [...((status?.['initContainerStatuses'] ?? []) as Report[]), ...((status?.['containerStatuses'] ?? []) as Report[])]
  return reports.reduce((sum, { restartCount }) => sum + restartCount, 0)
}

interface Report {
  readonly restartCount: number
}

describe('a kubelet that is restarted', () => {
  test('three times mounts nothing twice and restarts no container, and renewals go on (T35)', async () => {
    const mounts = driverMounts()
    for (let turn = 0; turn < 3; turn++) {
      await restart('kubelet', quietly)
      await renewed(it, web, serialOf(it, web))
    }
    expect(driverMounts()).toEqual(mounts)
    expect(await restartsOf(web)).toBe(0)
  })

  test('unmounts what it mounted before, and mounts again (T35)', async () => {
    const pod = await launch(it, request(it, 'short-0', { command: IDLE }))
    await restart('kubelet', quietly)
    await deletePod(it, pod.metadata)
    expect(existsSync(it.node.volumePath(pod, 'sia-identity'))).toBe(false)
    const next = await launch(it, request(it, 'short-0', { command: IDLE }))
    expect(certificateOf(it, next).names.dns[1]).toContain(next.metadata.uid)
  })
})

test('containerd is restarted: containers go on, and so do renewals (T35)', async () => {
  await restart('containerd', quietly)
  await renewed(it, web, serialOf(it, web))
  expect(await restartsOf(web)).toBe(0)
})

/** How often the kubelet was asked for its pods. */
async function podListsServed(): Promise<number> {
  const text = await kubectl(['get', '--raw', `/api/v1/nodes/${it.cluster.nodeName}/proxy/metrics`])
  const counts = text.split('\n').filter((line) => line.startsWith('kubelet_http_requests_total{') && line.includes('path="pods"'))
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('an agent that is replaced', () => {
  let pods: readonly PodObject[]

  test(`has just launched ${MANY} pods that came at once, each with its own identity, and asked the kubelet at most every 500 ms (T37)`, async () => {
    const known = await podListsServed()
    const start = performance.now()
    await applyController('Deployment', 'many', templateOf(it, 'many', { command: IDLE }), { replicas: MANY })
    pods = await podsOfApp(it, 'many', MANY, isRunning)
    const windows = Math.ceil((performance.now() - start) / 500)
    const asked = (await podListsServed()) - known
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThanOrEqual(windows + 1)
    expect(new Set(pods.map((pod) => certificateOf(it, pod).names.dns[1])).size).toBe(MANY)
    expect(await Promise.all(pods.map(restartsOf))).toEqual(pods.map(() => 0))
  }, 600_000)

  test(`while their volumes are mounted: all are answered by the next one, no pod restarts, nothing is mounted anew (T34)`, async () => {
    const mounts = driverMounts()
    const serials = pods.map((pod) => serialOf(it, pod))
    const [before] = await podsOf('identity-agent')
    await kubectl(['rollout', 'restart', 'daemonset/athenz-identity-agent', '--namespace=k8s-admin'])
    await kubectl(['rollout', 'status', 'daemonset/athenz-identity-agent', '--namespace=k8s-admin', '--timeout=120s'], { deadlineMs: 130_000 })
    await untilReady('identity-agent')
    const [after] = await podsOf('identity-agent')
    expect(after?.uid).not.toBe(before?.uid)
    for (const [index, pod] of pods.entries()) await renewed(it, pod, serials[index] ?? '')
    expect(driverMounts()).toEqual(mounts)
    expect(await Promise.all(pods.map(restartsOf))).toEqual(pods.map(() => 0))
    await kubectl(['delete', 'deployment', 'many', '--namespace=shop', '--cascade=foreground', '--timeout=180s'], { deadlineMs: 190_000 })
  }, 600_000)

  test('puts the driver back where it was lost, and new pods are launched (T36)', async () => {
    const driver = join(it.cluster.flexVolumeDirectory, 'athenz.kubernetes.io~athenz-volume-driver', 'athenz-volume-driver')
    expect(existsSync(driver)).toBe(true)
    rmSync(driver)
    await it.programs.stop('identity-agent', 'kill')
    await it.programs.start('identity-agent')
    expect(existsSync(driver)).toBe(true)
    await launch(it, request(it, 'after-0', { command: IDLE }))
  })
})

test('a node that comes up again, all processes and mounts of its pods gone, mounts anew and gives the same instance its identity (T17, T35)', async () => {
  const pod = await launch(it, request(it, 'rebooted-0', { command: IDLE }))
  const serial = serialOf(it, pod)
  const handle = handleOf(it, pod)
  process.kill(await kubeletPid(), 'SIGSTOP')
  for (const { pid: of } of processesOf(pod)) process.kill(of, 'SIGKILL')
  for (const path of driverMounts().filter((it) => it.includes(pod.metadata.uid) || it.includes(handle)).toReversed()) await promisify(execFile)('umount', ['--lazy', path])
  await restart('kubelet', quietly)
  await eventually('another certificate', () => (existsSync(it.node.volumePath(pod, 'tlscerts')) && serialOf(it, pod) !== serial ? true : undefined), it.deadlineMs)
  const again = await waitForPod(it, pod.metadata, isRunning)
  expect(certificateOf(it, again).names.dns[1]).toContain(pod.metadata.uid)
  await deletePod(it, again.metadata)
})

test('a namespace that is deleted takes its pods and their volumes with it (T39)', async () => {
  const pod = await launch(it, request(it, 'last-0', { namespace: 'media-on--air', serviceAccount: 'player', command: IDLE }))
  const handle = handleOf(it, pod)
  await kubectl(['delete', 'namespace', 'media-on--air', '--timeout=120s'], { deadlineMs: 130_000 })
  expect(existsSync(join(it.node.volumesDir, handle))).toBe(false)
  await kubectl(['create', 'namespace', 'media-on--air'])
  await kubectl(['create', 'serviceaccount', 'player', '--namespace=media-on--air'])
})

test('when all pods have gone there is no mount of the driver and no tree of a volume more than before (T35, T39)', async () => {
  await kubectl(['delete', 'pods', '--all', '--namespace=shop', '--timeout=120s'], { deadlineMs: 130_000 })
  expect(driverMounts()).toEqual(baseline)
  expect(readdirSync(it.node.volumesDir)).toEqual([])
})
