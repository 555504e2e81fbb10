/** The node is disturbed while pods live on it: what they have stays, what they need comes back, and nothing piles up. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf, PODS } from '@pallas/kubernetes'
import { reboot, restart } from '@pallas/real-cluster'
import { certificateOf, deletePod, getPod, handleOf, isRunning, launch, type PodObject, renewed, request, serialOf, untilGone, waitForPod } from '@pallas/suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyController, podsOfApp, templateOf } from './controllers.ts'
import { apply, kubectl } from './kubectl.ts'
import { mountsBelow, newIn } from './processes.ts'
import { configureInjection } from './world/injection.ts'
import { workloadPlaces } from './world/install.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'
import { podsOf, startedAt, untilReady } from './world/replicas.ts'

let it: ClusterWorld
let before: { readonly mounts: readonly string[]; readonly trees: readonly string[] }
let web: PodObject

const MANY = 50
/** So many pods take minutes on a small machine. */
const MANY_MS = 420_000
const REBOOT_MS = 300_000
const IDLE = ['sleep', '3600']

/** Mounts that the driver has made: the trees, and their binds in pods. */
const driverMounts = () => [...mountsBelow(it.node.volumesDir), ...mountsBelow(join(it.cluster.kubeletRoot, 'pods')).filter((path) => path.includes('~athenz-volume-driver/'))]

beforeAll(async () => {
  it = await openWorld({ refreshInterval: '1s' })
  before = { mounts: driverMounts(), trees: readdirSync(it.node.volumesDir) }
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

test('containerd is restarted: containers go on, so do renewals, and new pods are mounted (T35)', async () => {
  await restart('containerd', quietly)
  await renewed(it, web, await renewed(it, web, serialOf(it, web)))
  const next = await launch(it, request(it, 'next-0', { command: IDLE }))
  await deletePod(it, next.metadata)
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

  // Many that renew every second would be a load of their own.
  beforeAll(() => configureInjection(it.api, it.workloads, { refreshInterval: '5s' }))

  test(`has just launched ${MANY} pods that came at once, each with its own identity, and asked the kubelet at most every 500 ms (T37)`, async () => {
    const known = await podListsServed()
    const start = performance.now()
    await applyController('Deployment', 'many', templateOf(it, 'many', { command: IDLE }), { replicas: MANY })
    pods = await podsOfApp(it, 'many', MANY, isRunning, MANY_MS)
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

  test('puts the driver back where it was lost: a pod that could not end ends, and new pods are launched (T36)', async () => {
    const pod = await launch(it, request(it, 'waiting-0', { command: IDLE }))
    const driver = join(it.cluster.flexVolumeDirectory, 'athenz.kubernetes.io~athenz-volume-driver')
    expect(existsSync(join(driver, 'athenz-volume-driver'))).toBe(true)
    rmSync(driver, { recursive: true })
    await it.programs.stop('identity-agent', 'kill')
    await it.api.delete(pathOf(PODS, { namespace: 'shop', name: 'waiting-0' }))
    await it.programs.start('identity-agent')
    expect(existsSync(join(driver, 'athenz-volume-driver'))).toBe(true)
    await untilGone(it, pod.metadata)
    expect(existsSync(it.node.volumePath(pod, 'sia-identity'))).toBe(false)
    await launch(it, request(it, 'after-0', { command: IDLE }))
  })
})

test('a node that lost its power starts its pods again: each is mounted anew, and the same instance has its identity again (T17, T35)', async () => {
  const pod = await launch(it, request(it, 'rebooted-0', { command: IDLE }))
  const handle = handleOf(it, pod)
  const mounts = driverMounts().filter((path) => path.includes(handle) || path.includes(pod.metadata.uid))
  expect(mounts.length).toBeGreaterThan(0)
  const since = Date.now()
  await reboot(quietly)
  for (const program of ['identity-agent', 'jwt-service', 'callback', 'initializer'] as const) await untilReady(program, { since })
  const again = await waitForPod({ ...it, deadlineMs: REBOOT_MS }, pod.metadata, (now) => isRunning(now) && startedAt(now) > since)
  expect(again.metadata.uid).toBe(pod.metadata.uid)
  expect(handleOf(it, again)).toBe(handle)
  const certificate = certificateOf(it, again)
  expect(certificate.names.dns[1]).toContain(pod.metadata.uid)
  expect(certificate.notBefore).toBeGreaterThan(since)
  expect(driverMounts().filter((path) => path.includes(handle) || path.includes(pod.metadata.uid))).toEqual(mounts)
  await deletePod(it, again.metadata)
  await launch(it, request(it, 'new-0', { command: IDLE }))
}, 600_000)

test('a namespace that is deleted takes its pods and their volumes with it (T39)', async () => {
  const pod = await launch(it, request(it, 'last-0', { namespace: 'media-on--air', serviceAccount: 'player', command: IDLE }))
  const handle = handleOf(it, pod)
  await kubectl(['delete', 'namespace', 'media-on--air', '--timeout=120s'], { deadlineMs: 130_000 })
  expect(existsSync(join(it.node.volumesDir, handle))).toBe(false)
  for (const manifest of workloadPlaces()) await apply([manifest])
})

test('when all pods have gone there is no mount of the driver and no tree of a volume more than before (T35, T39)', async () => {
  await kubectl(['delete', 'pods', '--all', '--namespace=shop', '--timeout=120s'], { deadlineMs: 130_000 })
  expect(newIn(driverMounts(), before.mounts)).toEqual([])
  expect(newIn(readdirSync(it.node.volumesDir), before.trees)).toEqual([])
})
