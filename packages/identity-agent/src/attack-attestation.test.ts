import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { aPod } from '@pallas/identity/testing'
import { volumePaths } from '@pallas/wire'
import { expect, test, vi } from 'vitest'
import { call } from './testing/call.ts'
import { placeProcess } from './testing/cgroups.ts'
import { startChildPeer } from './testing/child-peer.ts'
import { whileTimePasses } from './testing/time-passes.ts'
import { World } from './testing/world.ts'

const A = aPod({ name: 'a-0', uid: 'aaaaaaaa-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.1' })
const B = aPod({ name: 'b-0', uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.2' })

/** Two live pods; this process is in none of them yet. */
async function twoPods(settings: Parameters<World['startAgent']>[0] = {}) {
  const world = await World.open()
  world.pods = [A, B]
  const a = world.addVolume(A)
  const b = world.addVolume(B)
  const serving = await world.startAgent(settings)
  return { world, a, b, serving }
}

/** The same, this process in A; it lives as the agent sees it until `end`. */
async function twoPodsAndAnEnd() {
  const { world, a } = await twoPods()
  let alive = true
  await world.stopAgent()
  world.peers = { ...world.peers, pin: () => ({ exited: () => !alive, [Symbol.dispose]: () => undefined }) }
  await world.startAgent()
  world.enter(A)
  return { world, a, end: () => void (alive = false) }
}

test("with pod A's handle over pod B's socket, B is denied, A is named in the log, and ZTS hears nothing (T01, W4)", async () => {
  const { world, a, b } = await twoPods()
  await using _world = world
  await using stranger = await startChildPeer()
  world.enter(B, stranger.pid)
  const reply = await stranger.call(world.pathsOf(b).socket, 'POST', `/v1/init/${a}`)
  expect(reply).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
  expect(JSON.stringify(reply.body)).not.toContain(A.name)
  expect(world.issuer.calls).toEqual([])
  expect(world.kubeletCalls).toBe(0)
  const told = world.memory.records.find((it) => it['msg'] === 'a handle was used by another pod than it was made for')
  const peer = `pod ${B.uid}, pid ${stranger.pid}`
  expect(told).toMatchObject({ claimedPod: `${A.namespace}/a-0`, peer, reason: 'HANDLE_PEER_MISMATCH' })
})

test("over pod A's own socket, a process of pod B is denied too (T01, W4)", async () => {
  const { world, a } = await twoPods()
  await using _world = world
  await using stranger = await startChildPeer()
  world.enter(B, stranger.pid)
  const reply = await stranger.call(world.pathsOf(a).socket, 'POST', `/v1/init/${a}`)
  expect(reply).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
  expect(world.issuer.calls).toEqual([])
  world.enter(A, stranger.pid)
  expect(await stranger.call(world.pathsOf(a).socket, 'POST', `/v1/init/${a}`)).toMatchObject({ status: 200 })
})

test('on the socket that pods share, the handle of another pod is denied, the own one serves (T01, W4)', async () => {
  await using world = await World.open()
  const path = `${world.root}/shared.sock`
  world.pods = [A, B]
  const a = world.addVolume(A)
  const b = world.addVolume(B)
  await world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path } })
  world.enter(B)
  expect(await call(path, `/v1/init/${a}`)).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
  expect(await call(path, `/v1/init/${b}`)).toMatchObject({ status: 200 })
})

test('the plain hash of a mount directory names no volume (T02, W4)', async () => {
  const { world, b } = await twoPods()
  await using _world = world
  world.enter(B)
  const guess = createHash('sha256').update(`/var/lib/kubelet/pods/${A.uid}/volumes/athenz/identity`).digest('base64url')
  const reply = await call(world.pathsOf(b).socket, `/v1/init/${guess}`)
  expect(reply).toMatchObject({ status: 403, body: { code: 'HANDLE_UNKNOWN' } })
  expect(world.issuer.calls).toEqual([])
})

test('a process that ended before it was attested is denied, though its child holds the connection (T03)', async () => {
  const { world, a } = await twoPods()
  await using _world = world
  const { socket } = world.pathsOf(a)
  const program = `
    const { spawn } = require('node:child_process')
    const socket = require('node:net').connect(process.argv[1], () => {
      spawn('sleep', ['1'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', socket] }).unref()
      process.exit()
    })`
  // The loop that would accept stands still until the process has ended and been waited for.
  const { pid } = spawnSync(process.execPath, ['-e', program, socket], { stdio: 'ignore' })
  world.enter(A, pid)
  await vi.waitFor(async () => expect(await world.metrics.value('attestations_total', { outcome: 'PEER_EXITED' })).toBe(1))
  expect(await world.metrics.value('attestations_total', { outcome: 'pod' })).toBe(0)
})

test('a process that ends after it connected is served no more, whoever holds its connection (T03)', async () => {
  const { world, a, end } = await twoPodsAndAnEnd()
  await using _world = world
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const onOneConnection = { agent, headers: { connection: 'keep-alive' } }
  expect((await world.call(a, 'names', onOneConnection)).status).toBe(200)
  end()
  expect(await world.call(a, 'names', onOneConnection)).toMatchObject({ status: 403, body: { code: 'PEER_EXITED' } })
  expect(await world.metrics.value('attestations_total')).toBe(1)
  agent.destroy()
})

test('a process that ends between the head and the body of its request is not answered (T03)', async () => {
  const { world, a, end } = await twoPodsAndAnEnd()
  await using _world = world
  const socket = connect(world.pathsOf(a).socket)
  socket.write(`POST /v1/init/${a} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n`)
  // The server says so once the head has been let through.
  await new Promise((resolve) => socket.once('readable', resolve))
  end()
  socket.write('{}')
  expect(await text(socket)).toContain('PEER_EXITED')
  expect(world.issuer.calls).toEqual([])
})

test('a connection that was passed on speaks for the pod that connected, and for no other (T04)', async () => {
  const { world, a, b } = await twoPods()
  await using _world = world
  await using connector = await startChildPeer()
  world.enter(A, connector.pid)
  const { socket } = world.pathsOf(a)
  // Whoever speaks over it, in whatever pod: the kernel names the process that connected.
  const own = await connector.callOverInherited(socket, 'GET', `/v1/names/${a}`)
  expect(own).toMatchObject({ status: 200, body: { dns: expect.arrayContaining([expect.stringContaining(A.uid)]) } })
  const foreign = await connector.callOverInherited(socket, 'POST', `/v1/init/${b}`)
  expect(foreign).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
})

test('a cgroup named like the victim below the own one is denied (T05)', async () => {
  const { world, a } = await twoPods()
  await using _world = world
  placeProcess(world.procRoot, process.pid, `0::/kubepods/pod${B.uid}/x/kubepods/pod${A.uid}/y\n`)
  expect(await world.call(a, 'init')).toMatchObject({ status: 403, body: { code: 'NOT_A_POD' } })
  expect(world.issuer.calls).toEqual([])
})

test.each([
  ['a login session', '0::/user.slice/user-0.slice/session-1.scope\n'],
  ['a service', '0::/system.slice/containerd.service\n'],
  ['the root', '0::/\n'],
])('a process of the host in %s is no pod (T06)', async (_name, cgroups) => {
  const { world, a } = await twoPods()
  await using _world = world
  placeProcess(world.procRoot, process.pid, cgroups)
  expect(await world.call(a, 'names')).toMatchObject({ status: 403, body: { code: 'NOT_A_POD' } })
})

test.each([
  ['succeeded', { phase: 'Succeeded' }, 'init', 'POD_ENDED'],
  ['succeeded, on renewal', { phase: 'Succeeded' }, 'names', 'POD_ENDED'],
  ['failed', { phase: 'Failed' }, 'init', 'POD_ENDED'],
  ['is terminating and starts', { deleting: true }, 'init', 'POD_TERMINATING'],
  ['is terminating and never had an identity', { deleting: true }, 'names', 'POD_TERMINATING'],
  ['was made anew under its name', { uid: 'cccccccc-0d7c-4c58-9c3a-2a7f6a1f0c11' }, 'init', 'POD_UNKNOWN'],
] as const)('a pod that %s is denied (T07, W8)', async (_name, other, action, code) => {
  const { world, a } = await twoPods()
  await using _world = world
  world.enter(A)
  world.pods = [{ ...A, ...other }, B]
  expect(await whileTimePasses(world, world.call(a, action))).toMatchObject({ status: 403, body: { code } })
  expect(world.issuer.calls).toEqual([])
})

test('a pod that is terminating renews what it has (T07)', async () => {
  const { world, a } = await twoPods()
  await using _world = world
  world.enter(A)
  const first = await world.call(a, 'init')
  world.pods = [{ ...A, deleting: true }]
  const { keyPEM, certPEM } = first.body
  expect(await world.call(a, 'refresh', { body: { keyPEM, certPEM } })).toMatchObject({ status: 200 })
  expect(await world.call(a, 'init')).toMatchObject({ status: 403, body: { code: 'POD_TERMINATING' } })
})

test('a pod that is terminating does not start on the record of another (T07)', async () => {
  const { world, a } = await twoPods()
  await using _world = world
  world.enter(A)
  await world.call(a, 'init')
  const { context } = world.pathsOf(a)
  writeFileSync(context, readFileSync(context, 'utf8').replace(A.uid, B.uid))
  world.pods = [{ ...A, deleting: true }]
  expect(await world.call(a, 'names')).toMatchObject({ status: 403, body: { code: 'POD_TERMINATING' } })
})

test('a peer of pid 0 is not served and makes the agent unready, by name (T08)', async () => {
  const { world, a, serving } = await twoPods()
  await using _world = world
  expect(serving.attestationProblem()).toBeUndefined()
  await world.stopAgent()
  let own = true
  const { peers } = world
  world.peers = { ...peers, credentials: (fd) => (own ? peers.credentials(fd) : { pid: 0, uid: 0, gid: 0 }) }
  const blind = await world.startAgent()
  own = false
  expect(await world.call(a, 'names')).toMatchObject({ status: 503, body: { code: 'PEER_UNKNOWN', retryAfter: 1 } })
  expect(blind.attestationProblem()).toContain('pid 0')
})

test('without pidfd the agent runs, says so, and still tells a process from its successor (T08)', async () => {
  const world = await World.open()
  await using _world = world
  world.pods = [A]
  const a = world.addVolume(A)
  world.enter(A)
  world.peers = { ...world.peers, pin: () => undefined }
  const serving = await world.startAgent()
  expect(serving.attestationProblem()).toBeUndefined()
  expect(await world.metrics.value('weakened', { mode: 'no-pidfd' })).toBe(1)
  expect((await world.call(a, 'names')).status).toBe(200)
  await world.stopAgent()
  const strict = await world.startAgent({ requirePidfd: true })
  expect(strict.attestationProblem()).toContain('SO_PEERPIDFD')
  expect(await world.call(a, 'names')).toMatchObject({ status: 503, body: { code: 'PEER_UNKNOWN', retryAfter: 1 } })
})

test('handle-only asks nobody, and is announced (T08)', async () => {
  const { world, a, b } = await twoPods({ attestation: 'handle-only' })
  await using _world = world
  expect(await world.metrics.value('weakened', { mode: 'handle-only' })).toBe(1)
  expect(world.memory.records).toContainEqual(expect.objectContaining({ level: 'warn', problem: 'handle-only' }))
  expect((await world.call(a, 'names')).status).toBe(200)
  const reply = await call(volumePaths(world.volumesDir, a).socket, `/v1/names/${b}`, { method: 'GET' })
  expect(reply).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
})

test('handle-only on a shared socket would leave no factor at all: nobody is served there', async () => {
  await using world = await World.open()
  const path = `${world.root}/shared.sock`
  world.pods = [A]
  const a = world.addVolume(A)
  await world.startAgent({ attestation: 'handle-only', isolation: 'shared', listen: { kind: 'unix', path } })
  expect(await call(path, `/v1/init/${a}`)).toMatchObject({ status: 503, body: { code: 'PEER_UNKNOWN' } })
  expect(world.issuer.calls).toEqual([])
})
