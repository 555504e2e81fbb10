import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fateOf, LOOK_AGAIN_MS, LOOK_MS, ORPHANED_MS } from './ends.ts'
import { contextOf, oneLivePod, POD, waitUntil } from './testing/one-pod.ts'
import { removeVolume } from './testing/volume-tree.ts'
import type { World } from './testing/world.ts'

const told = (world: World, msg: string) => world.memory.records.filter((record) => record['msg'] === msg)

const DATA = {
  namespace: POD.namespace,
  name: POD.name,
  uid: POD.uid,
  serviceAccount: POD.serviceAccount,
  mountDir: '/m',
  createdAt: '2030-01-01T00:00:00Z',
}

test.each([
  ['runs', [POD], 'lives'],
  ['has no address yet', [{ ...POD, ip: '' }], 'lives'],
  ['is terminating', [{ ...POD, deleting: true }], 'lives'],
  ['has succeeded', [{ ...POD, phase: 'Succeeded' as const }], 'ended'],
  ['has failed', [{ ...POD, phase: 'Failed' as const }], 'ended'],
  ['was made anew under its name', [{ ...POD, uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' }], 'replaced'],
  ['is not shown', [], 'absent'],
] as const)('of a pod that %s the agent knows whether it has ended', (_name, pods, fate) => {
  expect(fateOf(DATA, pods)).toBe(fate)
})

test.each([
  ['has ended', [{ ...POD, phase: 'Succeeded' as const }]],
  ['was made anew', [{ ...POD, uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' }]],
])('of a pod that %s nothing is left within five seconds, though its volume is still mounted (T39, W8)', async (_name, pods) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.call(handle, 'init')
  const { context, socket, root } = world.pathsOf(handle)
  await world.clock.advance(60_000)
  expect([existsSync(context), existsSync(socket)]).toEqual([true, true])
  world.pods = pods
  await world.clock.advance(4_999)
  await waitUntil(() => told(world, 'pod ended, its refresh state is wiped').length === 1)
  expect([existsSync(context), existsSync(socket), readdirSync(root).sort()]).toEqual([false, false, ['data.json', 'mount']])
  await expect(world.call(handle, 'init')).rejects.toMatchObject({ code: 'ENOENT' })
  await world.clock.advance(60_000)
  expect(await world.metrics.value('volumes_wiped_total')).toBe(1)
})

const NAMESAKE = { ...POD, uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' }

test.each([
  ['has failed, by one look of the kubelet,', [{ ...POD, phase: 'Failed' as const }]],
  ['was made anew, by two looks,', [NAMESAKE]],
])('a pod that %s and is there again is served again, without a restart (W8)', async (_name, pods) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = pods
  await world.clock.advance(4_999)
  await waitUntil(() => told(world, 'pod ended, its refresh state is wiped').length === 1)
  world.pods = [POD]
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => told(world, 'volume served').length === 2)
  expect((await world.call(handle, 'init')).status).toBe(200)
  await world.clock.advance(2 * LOOK_MS)
  expect([told(world, 'volume served').length, (await world.call(handle, 'names')).status]).toEqual([2, 200])
  world.pods = pods
  await world.clock.advance(4_999)
  await waitUntil(() => told(world, 'pod ended, its refresh state is wiped').length === 2)
})

test('a pod that has another in its place for one look alone has not ended', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.call(handle, 'init')
  world.pods = [NAMESAKE]
  await world.clock.advance(LOOK_MS)
  world.pods = [POD]
  await world.clock.advance(LOOK_AGAIN_MS)
  world.pods = [NAMESAKE]
  await world.clock.advance(LOOK_MS)
  world.pods = [POD]
  await world.clock.advance(LOOK_AGAIN_MS)
  expect(contextOf(world, handle)).toMatchObject({ instanceId: POD.uid })
  expect((await world.call(handle, 'names')).status).toBe(200)
  expect(told(world, 'pod ended, its refresh state is wiped')).toEqual([])
})

test('a volume that cannot be served again is told once, and tried until it can', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  world.pods = [{ ...POD, phase: 'Failed' }]
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => told(world, 'pod ended, its refresh state is wiped').length === 1)
  const { socket } = world.pathsOf(handle)
  mkdirSync(socket)
  world.pods = [POD]
  await world.clock.advance(3 * LOOK_MS)
  await waitUntil(() => told(world, 'volume not served').length === 1)
  rmdirSync(socket)
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => told(world, 'volume served').length === 2)
  expect(told(world, 'volume not served')).toHaveLength(1)
})

test('what a call that was under way writes after the end of its pod is wiped as well (T39)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const release = world.issuer.hold()
  const late = world.call(handle, 'init').catch(() => undefined)
  await waitUntil(() => world.issuer.calls.length === 1)
  world.pods = [{ ...POD, phase: 'Failed' }]
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => told(world, 'pod ended, its refresh state is wiped').length === 1)
  release()
  await late
  const { context } = world.pathsOf(handle)
  await waitUntil(() => existsSync(context))
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => !existsSync(context))
})

test('while the kubelet is away nothing is forgotten; what ended meanwhile goes when it is back (T29, T39)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.call(handle, 'init')
  world.pods = new Error('ECONNREFUSED')
  await world.clock.advance(10 * 60_000)
  expect(contextOf(world, handle)).toMatchObject({ instanceId: POD.uid })
  world.pods = [{ ...POD, phase: 'Succeeded' }]
  await world.clock.advance(LOOK_MS)
  await waitUntil(() => !existsSync(world.pathsOf(handle).context))
})

test('with its volume goes all that the agent held for a pod (T39)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.call(handle, 'init')
  removeVolume(world.volumesDir, handle)
  await waitUntil(() => told(world, 'volume gone').length === 1)
  expect(existsSync(world.pathsOf(handle).root)).toBe(false)
  await expect(world.call(handle, 'names')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a volume whose pod the kubelet does not show is told, counted, and left alone (W40)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.call(handle, 'init')
  world.pods = []
  await world.clock.advance(3 * ORPHANED_MS)
  expect(await world.metrics.value('volumes_orphaned')).toBe(0)
  world.pods = [{ ...POD, name: 'other-0', uid: 'dddddddd-0d7c-4c58-9c3a-2a7f6a1f0c11' }]
  await world.clock.advance(ORPHANED_MS)
  expect(await world.metrics.value('volumes_orphaned')).toBe(0)
  await world.clock.advance(2 * LOOK_MS)
  expect(await world.metrics.value('volumes_orphaned')).toBe(1)
  await world.clock.advance(3_600_000)
  expect(told(world, 'a volume has no pod that the kubelet shows')).toMatchObject([{ level: 'warn', handle, podUid: POD.uid }])
  // It may only be that the kubelet was restarted while the API server is away.
  expect(contextOf(world, handle)).toMatchObject({ instanceId: POD.uid })
  world.pods = [POD]
  await world.clock.advance(LOOK_MS)
  expect(await world.metrics.value('volumes_orphaned')).toBe(0)
  expect((await world.call(handle, 'names')).status).toBe(200)
})

test('without a volume the kubelet is left alone', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  removeVolume(world.volumesDir, handle)
  await waitUntil(() => told(world, 'volume gone').length === 1)
  const { kubeletCalls } = world
  await world.clock.advance(60_000)
  expect(world.kubeletCalls).toBe(kubeletCalls)
})
