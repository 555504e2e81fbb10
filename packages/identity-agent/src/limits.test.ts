import { readdirSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { aPod } from '@pallas/identity/testing'
import { createServer } from '@pallas/service'
import { nodeKey } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { ALLOWANCE, createAllowance } from './allowance.ts'
import { attestNobody } from './attest.ts'
import { createListeners } from './listeners.ts'
import { call } from './testing/call.ts'
import { csrFor, oneLivePod, POD, waitUntil } from './testing/one-pod.ts'
import { World } from './testing/world.ts'

type Limits = NonNullable<World['limits']>

/** One live pod and an agent whose limits are short enough to wait for. */
async function limited(limits: Limits) {
  const { world, handle } = await oneLivePod()
  await world.stopAgent()
  world.limits = limits
  await world.startAgent()
  return { world, handle, path: world.pathsOf(handle).socket }
}

const send = (path: string, bytes: string): Socket => {
  const socket = connect(path)
  socket.on('error', () => undefined).write(bytes)
  return socket
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

const descriptors = () => readdirSync('/proc/self/fd').length

const head = (handle: string, more: string) => `POST /v1/refresh/${handle} HTTP/1.1\r\nhost: x\r\n${more}`

test('a body of more than 64 KiB is refused as soon as it is announced, and never read (W22)', async () => {
  const { world, handle, path } = await limited({})
  await using _world = world
  const answer = await text(send(path, head(handle, 'connection: close\r\ncontent-length: 65537\r\n\r\n')))
  expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"code":"BODY_TOO_LARGE"/)
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  const chunked = await text(send(path, head(handle, `connection: close\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`)))
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
  expect(world.kubeletCalls).toBe(0)
})

test('a body of 64 KiB is read (W22)', async () => {
  const { world, handle } = await limited({})
  await using _world = world
  const body = JSON.stringify({ csr: '' })
  const reply = await world.call(handle, 'refresh', { body: body.padEnd(65_536, ' ') })
  expect(reply).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } })
})

test.each([
  ['a body that comes a byte at a time', (handle: string) => head(handle, 'content-length: 100\r\n\r\n{'), 408],
  ['headers that never end', (handle: string) => head(handle, 'x-slow: '), 408],
  ['headers of more than 8 KiB', (handle: string) => head(handle, `x-long: ${'x'.repeat(9_000)}\r\n\r\n`), 431],
  ['thousands of headers', (handle: string) => head(handle, `${'x: y\r\n'.repeat(3_000)}\r\n`), 431],
] as const)('whoever sends %s is hung up on, and others are served meanwhile (W22)', async (_name, bytes, status) => {
  const { world, handle, path } = await limited({ headersTimeoutMs: 150, requestTimeoutMs: 150 })
  await using _world = world
  const answer = text(send(path, bytes(handle)))
  expect((await world.call(handle, 'names')).status).toBe(200)
  expect(await answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
})

const requestIds = () => 'x'

test('whoever never reads an answer is cut off when the time for any answer is over (W22)', async () => {
  await using world = await World.open()
  const app = createServer({ log: world.memory.log, clock: world.clock, requestIds, bodyLimit: 10 })
  // More than the kernel keeps for a reader.
  app.get('/long', async () => 'x'.repeat(4_000_000))
  await app.ready()
  const { clock, events } = world
  const allowance = createAllowance({ clock, limits: ALLOWANCE })
  const shared = { path: `${world.root}/s/agent.sock`, isServed: true }
  const ownUid = process.geteuid?.() ?? 0
  const strangers = { sharedConnections: 10, pidOf: () => 0, hasVolume: () => false }
  const socketsDir = `${world.volumesDir}/.sockets`
  const deps = { app, attest: attestNobody, ...strangers, requestIds, allowance, events, clock, ownUid, socketsDir, shared, graceMs: 0, idleMs: 300 }
  await using listeners = createListeners(deps)
  await listeners.openShared()
  const before = descriptors()
  const socket = connect(shared.path)
  socket.on('error', () => undefined).pause()
  socket.write('GET /long HTTP/1.1\r\nhost: x\r\n\r\n')
  // Both ends are in this process; its own the client does not close.
  await expect.poll(descriptors).toBe(before + 2)
  await expect.poll(descriptors, { timeout: 10_000 }).toBe(before + 1)
  socket.destroy()
})

test('a pod has so many requests at a time and no more, however many connections it opens (W22, T38)', async () => {
  const { world, handle, path } = await limited({})
  await using _world = world
  world.pods = [{ ...POD, ip: '' }]
  const replies = Array.from({ length: 24 }, () => world.call(handle, 'names').catch(() => undefined))
  await waitUntil(() => world.kubeletCalls >= 24)
  expect(await call(path, `/v1/names/${handle}`, { method: 'GET' })).toMatchObject({ status: 429, body: { code: 'BUSY' } })
  world.pods = [POD]
  await world.clock.advance(500)
  await Promise.all(replies)
})

test('a namespace whose pods flood init with keys of their own does not keep another waiting (T38, W22)', async () => {
  await using world = await World.open()
  world.allowance = { ...ALLOWANCE, connections: 1_000, requests: 1_000, connecting: { burst: 1_000, refillMs: 1 }, requesting: { burst: 1_000, refillMs: 1 } }
  const loud = Array.from({ length: 20 }, (_, n) => aPod({ namespace: 'loud', name: `l-${n}`, uid: `${String(n).padStart(8, '0')}-0d7c-4c58-9c3a-2a7f6a1f0c11` }))
  const quiet = aPod({ namespace: 'quiet', name: 'q-0', uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11' })
  world.pods = [...loud, quiet]
  const handles = loud.map((pod) => world.addVolume(pod))
  const own = world.addVolume(quiet)
  await world.startAgent()
  const release = world.issuer.hold(({ request: { attestationData } }) => attestationData?.includes(quiet.uid) !== true)
  const flood: Promise<number>[] = []
  for (const [index, handle] of handles.entries()) {
    const pod = loud[index] ?? quiet
    world.enter(pod)
    const { body: names } = await world.call(handle, 'names')
    for (let n = 0; n < 31; n++) {
      const csr = await csrFor(nodeKey(), names as never)
      flood.push(world.call(handle, 'init', { body: { csr } }).then(({ status }) => status))
      await turn()
    }
    // Whoever has connected stays who it was.
    await waitUntil(() => world.kubeletCalls >= (index + 1) * 32)
  }
  world.enter(quiet)
  expect((await world.call(own, 'init')).status).toBe(200)
  release()
  const statuses = await Promise.all(flood)
  const turnedAway = statuses.filter((status) => status === 429).length
  expect([turnedAway > 0, statuses.every((status) => status === 200 || status === 429)]).toEqual([true, true])
  expect(await world.metrics.value('issue_overflows_total', { bound: 'namespace' })).toBeGreaterThan(0)
  const told = world.memory.records.filter(({ msg }) => msg === 'more identities asked for than may wait')
  expect(told[0]).toMatchObject({ level: 'warn', reason: 'BUSY', problem: 'too much waits for the namespace', pod: expect.stringMatching(/^loud\//) })
}, 30_000)

test('a pod that asks for one identity after another gets thirty, and then one a minute (W22, T38)', async () => {
  const { world, handle } = await limited({})
  await using _world = world
  const ask = async () => {
    await world.clock.advance(1_000)
    return world.call(handle, 'init')
  }
  const statuses: number[] = []
  for (let n = 0; n < 50; n++) statuses.push((await ask()).status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(30)
  expect(await ask()).toMatchObject({ status: 429, body: { code: 'BUSY' }, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } })
  await world.clock.advance(10_000)
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 429])
})

test('a client that hangs up in the middle is forgotten (W22)', async () => {
  const { world, handle, path } = await limited({})
  await using _world = world
  const agent = new Agent({ keepAlive: true })
  const outgoing = request({ socketPath: path, path: `/v1/refresh/${handle}`, method: 'POST', headers: { 'content-length': 100 }, agent })
  const failed = new Promise((resolve) => outgoing.on('error', resolve))
  outgoing.write('{')
  await waitUntil(() => outgoing.socket?.connecting === false)
  outgoing.destroy()
  await failed
  agent.destroy()
  expect((await world.call(handle, 'names')).status).toBe(200)
})
