import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { aPod } from '@pallas/identity/testing'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { ALLOWANCE, type AllowanceLimits } from './allowance.ts'
import { call } from './testing/call.ts'
import { startChildPeer } from './testing/child-peer.ts'
import { csrFor } from './testing/one-pod.ts'
import { World } from './testing/world.ts'

const A = aPod({ name: 'a-0', uid: 'aaaaaaaa-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.1' })
const B = aPod({ name: 'b-0', uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.2' })

/** One socket for all pods. */
const sharing = ({ root }: World) => ({ isolation: 'shared', listen: { kind: 'unix', path: `${root}/shared.sock` } }) as const

/** This process is in pod A, a child in pod B; each with a listener of its own, or both on one with so many places. */
async function attackerAndVictim(shared?: Pick<AllowanceLimits, 'shared'>) {
  const scope = new AsyncDisposableStack()
  const world = scope.use(await World.open())
  const victim = scope.use(await startChildPeer())
  world.pods = [A, B]
  const a = world.addVolume(A)
  const b = world.addVolume(B)
  world.enter(A)
  world.enter(B, victim.pid)
  if (shared !== undefined) world.allowance = { ...ALLOWANCE, ...shared }
  const settings = shared === undefined ? undefined : sharing(world)
  await world.startAgent(settings)
  const path = settings?.listen.path ?? world.pathsOf(b).socket
  return {
    world,
    a,
    b,
    path,
    victimAsks: () => victim.call(path, 'POST', `/v1/init/${b}`),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

/** So many connections, each with all of these bytes at once; resolves when all of them have been closed. */
async function flood(path: string, connections: number, bytes: string): Promise<void> {
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = connect(path, () => socket.write(bytes))
      socket.on('error', () => undefined).on('close', () => resolve()).resume()
    })
  await Promise.all(Array.from({ length: connections }, one))
}

test('a pod that floods its socket is cut off, and the next pod is served meanwhile (T38, W22)', async () => {
  await using it = await attackerAndVictim()
  const { world, a } = it
  const body = JSON.stringify({ csr: await csrFor(nodeKey()) })
  const request = `POST /v1/init/${a} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const flooded = flood(world.pathsOf(a).socket, 60, request.repeat(200))
  expect((await it.victimAsks()).status).toBe(200)
  await flooded
  expect((await it.victimAsks()).status).toBe(200)
  // Of 12 000 requests, at most one on each connection that a pod may have was begun.
  expect(world.issuer.calls.length).toBeLessThanOrEqual(2 + 32)
  expect(await world.metrics.value('callers_cut_off_total')).toBeGreaterThan(0)
  await expect(world.call(a, 'names')).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
  await world.clock.advance(5_000)
  expect((await world.call(a, 'names')).status).toBe(200)
})

test('a pod that asks too often is told when to come back, and hung up on (T38, W22)', async () => {
  await using it = await attackerAndVictim()
  const { world, a } = it
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const replies = []
  for (let n = 0; n < 61; n++) replies.push(await world.call(a, 'names', { agent, headers: { connection: 'keep-alive' } }))
  expect(replies.slice(0, 60).every(({ status }) => status === 200)).toBe(true)
  const busy = { status: 429, body: { code: 'BUSY', retryAfter: 1 }, headers: { 'retry-after': '1', connection: 'close' } }
  expect(replies[60]).toMatchObject(busy)
  const requestId = replies[60]?.headers['x-request-id']
  expect(requestId).toMatch(/./)
  expect(world.memory.records).toContainEqual(expect.objectContaining({ msg: 'request turned away', requestId }))
  expect(await world.metrics.value('requests_total', { action: 'unknown', code: 'BUSY' })).toBe(1)
  expect((await it.victimAsks()).status).toBe(200)
  await world.clock.advance(1_000)
  expect((await world.call(a, 'names')).status).toBe(200)
  agent.destroy()
})

test('what is no request of ours counts as well', async () => {
  await using it = await attackerAndVictim()
  const { world, a } = it
  for (let n = 0; n < 60; n++) expect((await call(world.pathsOf(a).socket, '/v1/%zz')).status).toBe(404)
  expect((await call(world.pathsOf(a).socket, '/v1/%zz')).status).toBe(429)
})

/** So many connections that say nothing. */
function openSilent(path: string, connections: number): readonly Socket[] {
  const sockets = Array.from({ length: connections }, () => connect(path).on('error', () => undefined))
  for (const socket of sockets) socket.resume()
  return sockets
}

test('on the socket that pods share, one pod has its connections and no more (T38, W22)', async () => {
  await using it = await attackerAndVictim(ALLOWANCE)
  const sockets = openSilent(it.path, 60)
  const open = () => sockets.filter(({ destroyed }) => !destroyed).length
  await expect.poll(open).toBe(32)
  expect((await it.victimAsks()).status).toBe(200)
  for (const socket of sockets) socket.destroy()
})

test('on the socket that pods share, a pod without a volume has a few connections (T38, W22)', async () => {
  await using world = await World.open()
  world.pods = [A]
  world.enter(A)
  const settings = sharing(world)
  await world.startAgent(settings)
  const sockets = openSilent(settings.listen.path, 40)
  await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length).toBe(4)
  for (const socket of sockets) socket.destroy()
})

test('a shared socket that silent connections fill lets the next pod in, in the place of the oldest (T38, W22)', async () => {
  await using it = await attackerAndVictim({ shared: 10 })
  const sockets = openSilent(it.path, 10)
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  expect((await it.victimAsks()).status).toBe(200)
  await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual(sockets.map((_socket, index) => index === 0))
  expect(await it.world.metrics.value('connections_evicted_total')).toBe(1)
  for (const socket of sockets) socket.destroy()
})

test('on the socket that pods share, a process that is kept out is hung up on before anything is asked about it (T38, W22)', async () => {
  await using world = await World.open()
  const settings = sharing(world)
  const { path } = settings.listen
  world.pods = [A]
  const a = world.addVolume(A)
  world.enter(A)
  let pins = 0
  const { peers } = world
  world.peers = { ...peers, pin: (fd) => ((pins += 1), peers.pin(fd)) }
  await world.startAgent(settings)
  const before = pins
  await flood(path, 300, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2))
  // A hundred in a row, and whatever one more it was that overdid it.
  expect(pins - before).toBeLessThanOrEqual(102)
  await world.clock.advance(5_000)
  expect(await call(path, `/v1/names/${a}`, { method: 'GET' })).toMatchObject({ status: 200 })
})

test('a pod that is refused in a loop writes one line, and every refusal is counted', async () => {
  await using it = await attackerAndVictim()
  const { world } = it
  const lines = (msg: string) => world.memory.records.filter((record) => record['msg'] === msg)
  const { socket } = world.pathsOf(it.a)
  for (let n = 0; n < 50; n++) expect((await call(socket, '/v1/names/x', { method: 'GET' })).status).toBe(400)
  expect(lines('request refused')).toMatchObject([{ reason: 'HANDLE_INVALID' }])
  expect(await world.metrics.value('requests_total', { action: 'names', code: 'HANDLE_INVALID' })).toBe(50)
  await world.clock.advance(60_000)
  await call(socket, '/v1/names/x', { method: 'GET' })
  expect(lines('request refused')[1]).toMatchObject({ reason: 'HANDLE_INVALID', count: 50 })
})

test('the alarm of a misused handle is written once for each pair, whatever else goes on, and all are counted', async () => {
  await using it = await attackerAndVictim()
  const { world, b } = it
  const alarms = () => world.memory.records.filter(({ msg }) => String(msg).startsWith('a handle was used by another pod'))
  const { socket } = world.pathsOf(it.a)
  for (let n = 0; n < 20; n++) await call(socket, `/v1/init/${b}`)
  expect(alarms()).toHaveLength(1)
  expect(await world.metrics.value('handles_misused_total')).toBe(20)
  await call(world.pathsOf(b).socket, `/v1/init/${it.a}`)
  expect(alarms()).toHaveLength(2)
  await world.clock.advance(60_000)
  await call(socket, `/v1/init/${b}`)
  expect(alarms()[2]).toMatchObject({ count: 20 })
})

test('on the shared socket a pod that is ahead of the agent is served, not denied', async () => {
  await using world = await World.open()
  const path = `${world.root}/shared.sock`
  world.pods = [A]
  world.enter(A)
  await world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path } })
  // The call is on its way before the kernel tells of the new volume.
  const a = world.addVolume(A)
  expect(await call(path, `/v1/names/${a}`, { method: 'GET' })).toMatchObject({ status: 200 })
  expect(await call(path, `/v1/names/${'A'.repeat(43)}`, { method: 'GET' })).toMatchObject({ status: 403 })
})

test("a pod's name is told as the volume's claim until the kubelet has said it", async () => {
  await using it = await attackerAndVictim()
  const { world, a } = it
  world.pods = new Error('away')
  await world.call(a, 'init')
  const [early] = world.memory.records.filter(({ msg }) => msg === 'request not served now')
  expect(early).toMatchObject({ claimedPod: `${A.namespace}/a-0`, podUid: A.uid })
  expect(early).not.toHaveProperty('pod')
  world.pods = [A]
  await world.call(a, 'init')
  const [issued] = world.memory.records.filter(({ msg }) => msg === 'identity issued')
  expect(issued).toMatchObject({ pod: `${A.namespace}/a-0`, podUid: A.uid })
  expect(issued).not.toHaveProperty('claimedPod')
})
