import { mkdirSync, readdirSync, renameSync, statSync, symlinkSync, unlinkSync, watch } from 'node:fs'
import { createServer } from 'node:net'
import { aPod } from '@pallas/identity/testing'
import { expect, test, vi } from 'vitest'
import { call } from './testing/call.ts'
import { oneLivePod, POD, waitUntil } from './testing/one-pod.ts'
import { handleOf, removeVolume } from './testing/volume-tree.ts'
import { World } from './testing/world.ts'

const podNumber = (n: number) => aPod({ name: `web-${n}`, uid: `${String(n).padStart(8, '0')}-0d7c-4c58-9c3a-2a7f6a1f0c11` })

/** Sockets and pidfds of this process. */
const descriptors = () => readdirSync('/proc/self/fd').length

test('a volume made while the agent runs is served at once, and no more when it goes', async () => {
  const { world } = await oneLivePod()
  await using _world = world
  const pod = podNumber(1)
  world.pods = [POD, pod]
  world.enter(pod)
  const handle = world.addVolume(pod)
  const { socket } = world.pathsOf(handle)
  await vi.waitFor(async () => expect((await world.call(handle, 'names')).status).toBe(200))
  expect(statSync(socket).mode & 0o777).toBe(0o666)
  removeVolume(world.volumesDir, handle)
  await vi.waitFor(() => expect(world.memory.records).toContainEqual(expect.objectContaining({ msg: 'volume gone', handle })))
  await expect(world.call(handle, 'names')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('sockets are made in a directory of the agent alone, and nothing else ever lies beside them or stays there (W2)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const made = `${world.volumesDir}/.sockets`
  expect(statSync(made).mode & 0o777).toBe(0o700)
  expect(readdirSync(made)).toEqual([])
  const seen = new Set<string>()
  const watcher = watch(world.pathsOf(handle).connect, (_event, name) => void seen.add(String(name)))
  await world.stopAgent()
  await world.startAgent()
  await vi.waitFor(() => expect(seen.size).toBeGreaterThan(0))
  watcher.close()
  expect([...seen]).toEqual(['agent.sock'])
  expect(readdirSync(made)).toEqual([])
})

test('what the kernel did not report is found by the poll', async () => {
  await using world = await World.open()
  // The watch is on what the symlink leads to, not on what takes its place.
  const real = `${world.root}/real`
  renameSync(world.volumesDir, real)
  symlinkSync(real, world.volumesDir)
  const serving = await world.startAgent()
  expect(serving.volumesProblem()).toBeDefined()
  unlinkSync(world.volumesDir)
  mkdirSync(world.volumesDir)
  const handle = world.addVolume(POD)
  world.pods = [POD]
  world.enter(POD)
  await vi.waitFor(async () => {
    await world.clock.advance(1_000)
    expect((await world.call(handle, 'names')).status).toBe(200)
  })
  expect(serving.volumesProblem()).toBeUndefined()
})

test('a volume made anew under its handle is served by a new listener, for what it says now', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  removeVolume(world.volumesDir, handle)
  world.addVolume({ ...POD, name: 'web-1' })
  world.pods = [{ ...POD, name: 'web-1' }]
  await vi.waitFor(async () => expect((await world.call(handle, 'names')).status).toBe(200))
})

test('whoever calls while a new agent still reads the tree is served, or finds no socket yet; nobody is denied (T34)', async () => {
  await using world = await World.open()
  world.pods = [POD]
  world.enter(POD)
  const handle = world.addVolume(POD)
  for (let n = 0; n < 60; n++) world.addVolume(podNumber(n))
  const started = world.startAgent()
  const statuses = new Set<number>()
  const progress = { done: false }
  void started.then(() => (progress.done = true))
  while (!progress.done) await world.call(handle, 'names').then(({ status }) => statuses.add(status), () => undefined)
  await started
  expect((await world.call(handle, 'names')).status).toBe(200)
  expect([...statuses].filter((status) => status !== 200)).toEqual([])
})

test('churn leaves no listener and no descriptor behind (T39)', async () => {
  const { world } = await oneLivePod()
  await using _world = world
  const before = descriptors()
  for (let round = 0; round < 10; round++) {
    const pods = Array.from({ length: 10 }, (_, n) => podNumber(round * 10 + n))
    world.pods = pods
    for (const pod of pods) world.addVolume(pod)
    for (const pod of pods) {
      world.enter(pod)
      await vi.waitFor(async () => expect((await world.call(handleOf(pod), 'names')).status).toBe(200))
    }
    for (const pod of pods) removeVolume(world.volumesDir, handleOf(pod))
  }
  await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before + 2))
})

test('a socket left behind by an agent that was killed is replaced; one that answers is left alone (W23)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.stopAgent()
  const { socket } = world.pathsOf(handle)
  const other = createServer().listen(`${socket}.other`)
  await new Promise((resolve) => other.once('listening', resolve))
  renameSync(`${socket}.other`, socket)
  await world.startAgent()
  expect(world.memory.records).toContainEqual(expect.objectContaining({ msg: 'volume not served', handle }))
  await new Promise((resolve) => other.close(resolve))
  await vi.waitFor(async () => {
    await world.clock.advance(1_000)
    expect((await world.call(handle, 'names')).status).toBe(200)
  })
})

test('a volume of the original form has no listener of its own: it is reached over the shared socket (C3)', async () => {
  await using world = await World.open()
  const handle = world.addVolume(POD)
  const { connect } = world.pathsOf(handle)
  world.pods = [POD]
  world.enter(POD)
  // The driver's bind shows the shared directory itself at `connect`.
  await world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path: `${connect}/agent.sock` } })
  expect((await call(`${connect}/agent.sock`, `/v1/names/${handle}`, { method: 'GET' })).status).toBe(200)
  expect(world.memory.records.filter(({ msg }) => msg === 'volume not served')).toEqual([])
})

test('asked to stop, the agent answers what it was asked before, within the grace', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const release = world.issuer.hold()
  const reply = world.call(handle, 'init')
  await waitUntil(() => world.issuer.calls.length === 1)
  const stopped = world.stopAgent()
  release()
  expect((await reply).status).toBe(200)
  await stopped
})

test('what is not answered within the grace is told to come back', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.stopAgent()
  await world.startAgent({ podIpTimeout: 60_000, shutdownGrace: 5_000 })
  world.pods = [{ ...POD, ip: '' }]
  const reply = world.call(handle, 'init')
  await waitUntil(() => world.kubeletCalls === 1)
  const stopped = world.stopAgent()
  await world.clock.advance(5_000)
  expect(await reply).toMatchObject({ status: 503, body: { code: 'NOT_READY' }, headers: { 'retry-after': '3' } })
  await stopped
})

test('an outage takes nothing down: the agent restarts, attests live pods again, and serves when it is over (T29)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const first = await world.call(handle, 'init')
  await world.stopAgent()
  world.pods = new Error('ECONNREFUSED')
  const serving = await world.startAgent()
  expect([serving.attestationProblem(), serving.volumesProblem(), serving.volumes]).toEqual([undefined, undefined, 1])
  const { keyPEM, certPEM } = first.body
  const body = { keyPEM, certPEM }
  expect(await world.call(handle, 'refresh', { body })).toMatchObject({ status: 503, body: { code: 'KUBELET_UNAVAILABLE' } })
  world.pods = [POD]
  expect((await world.call(handle, 'refresh', { body })).status).toBe(200)
  expect(world.issuer.calls.map(({ kind }) => kind)).toEqual(['register', 'refresh'])
})
