import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { Client } from 'undici'
import { expect, test } from 'vitest'
import { createServer, listenUnix, serverFor } from './index.ts'

async function temporaryDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'u-'))
  return { path: join(dir, 'agent.sock'), dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

async function statusAt(path: string): Promise<number> {
  const client = new Client('http://localhost', { socketPath: path })
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path: '/' })
    await body.dump()
    return statusCode
  } finally {
    await client.close()
  }
}

async function app() {
  const it = createServer({ log: memoryLog().log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10 })
  it.get('/', async () => ({}))
  await it.ready()
  return it
}

test('the socket has exactly the mode asked for, answers, and is gone when disposed', async () => {
  await using it = await temporaryDirectory()
  {
    await using _listener = await listenUnix(serverFor(await app()), { path: it.path, mode: 0o666 })
    expect((await lstat(it.path)).mode & 0o777).toBe(0o666)
    expect(await statusAt(it.path)).toBe(200)
    expect(await readdir(it.dir)).toEqual(['agent.sock'])
  }
  expect(await readdir(it.dir)).toEqual([])
})

test('several listeners serve the same routes, each with a server of its own', async () => {
  await using one = await temporaryDirectory()
  await using two = await temporaryDirectory()
  const routes = await app()
  await using _first = await listenUnix(serverFor(routes), { path: one.path, mode: 0o600 })
  await using _second = await listenUnix(serverFor(routes), { path: two.path, mode: 0o600 })
  expect([await statusAt(one.path), await statusAt(two.path)]).toEqual([200, 200])
})

test('as many may wait as the kernel lets, while nobody is let in', async () => {
  await using it = await temporaryDirectory()
  await using _listener = await listenUnix(serverFor(await app()), { path: it.path, mode: 0o600 })
  // All in one turn of the loop, in which the server takes none.
  const sockets = Array.from({ length: 1_000 }, () => connect(it.path))
  const outcomes = sockets.map(
    (socket) => new Promise((resolve) => socket.once('connect', () => resolve('in')).once('error', resolve)),
  )
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['in']))
  for (const socket of sockets) socket.destroy()
})

test('a socket on which nobody answers is replaced', async () => {
  await using it = await temporaryDirectory()
  const other = createNetServer()
  const aside = join(it.dir, 'aside')
  await listenUnix(other, { path: aside, mode: 0o600 })
  // Closing removes only what was bound: the renamed file stays behind, as after a crash.
  await new Promise((resolve) => void other.close(resolve))
  expect((await lstat(aside)).isSocket()).toBe(true)
  await using _listener = await listenUnix(serverFor(await app()), { path: aside, mode: 0o600 })
  expect(await statusAt(aside)).toBe(200)
})

test('a socket on which somebody answers is left alone', async () => {
  await using it = await temporaryDirectory()
  const routes = await app()
  await using _first = await listenUnix(serverFor(routes), { path: it.path, mode: 0o600 })
  const second = listenUnix(serverFor(routes), { path: it.path, mode: 0o600 })
  await expect(second).rejects.toMatchObject({ code: 'SERVICE_SOCKET_BUSY' })
  expect(await statusAt(it.path)).toBe(200)
})

test('a file in the way is not removed', async () => {
  await using it = await temporaryDirectory()
  await writeFile(it.path, 'precious')
  const listening = listenUnix(serverFor(await app()), { path: it.path, mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_SOCKET_BUSY' })
  expect((await lstat(it.path)).isFile()).toBe(true)
})

test('a path that does not fit is refused with its length', async () => {
  await using it = await temporaryDirectory()
  const path = join(it.dir, 'x'.repeat(107 - it.dir.length))
  const listening = listenUnix(createNetServer(), { path, mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_SOCKET_PATH', fields: { bytes: 108, limit: 107 } })
})

test('a directory that is not there is told', async () => {
  await using it = await temporaryDirectory()
  const listening = listenUnix(createNetServer(), { path: join(it.dir, 'none', 'a.sock'), mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_LISTEN' })
})

test('a socket that another process has put in our place is not removed', async () => {
  await using it = await temporaryDirectory()
  const listener = await listenUnix(serverFor(await app()), { path: it.path, mode: 0o600 })
  await rm(it.path)
  await using _other = await listenUnix(serverFor(await app()), { path: it.path, mode: 0o600 })
  await listener[Symbol.asyncDispose]()
  expect(await statusAt(it.path)).toBe(200)
})
