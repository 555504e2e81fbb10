import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { Client } from 'undici'
import { expect, test } from 'vitest'
import { createServer, listenUnix, type ListenUnixOptions, serverFor } from './index.ts'

const OWN_UID = process.geteuid?.() ?? 0

async function temporaryDirectory() {
  const dir = await mkdtemp(join(tmpdir(), 'u-'))
  const at = join(dir, 'at')
  await mkdir(at)
  return { path: join(at, 'agent.sock'), dir: at, making: { makeIn: join(dir, 'made'), ownUid: OWN_UID }, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
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
    await using _listener = await listenUnix(serverFor(await app()), { ...it.making, path: it.path, mode: 0o666 })
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
  await using _first = await listenUnix(serverFor(routes), { ...one.making, path: one.path, mode: 0o600 })
  await using _second = await listenUnix(serverFor(routes), { ...two.making, path: two.path, mode: 0o600 })
  expect([await statusAt(one.path), await statusAt(two.path)]).toEqual([200, 200])
})

test('as many may wait as the kernel lets, while nobody is let in', async () => {
  await using it = await temporaryDirectory()
  await using _listener = await listenUnix(serverFor(await app()), { ...it.making, path: it.path, mode: 0o600 })
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
  await using _ended = await listenUnix(other, { ...it.making, path: aside, mode: 0o600 })
  // Closing removes only what was bound: the renamed file stays behind, as after a crash.
  await new Promise((resolve) => void other.close(resolve))
  expect((await lstat(aside)).isSocket()).toBe(true)
  await using _listener = await listenUnix(serverFor(await app()), { ...it.making, path: aside, mode: 0o600 })
  expect(await statusAt(aside)).toBe(200)
})

test('a socket on which somebody answers is left alone', async () => {
  await using it = await temporaryDirectory()
  const routes = await app()
  await using _first = await listenUnix(serverFor(routes), { ...it.making, path: it.path, mode: 0o600 })
  const second = listenUnix(serverFor(routes), { ...it.making, path: it.path, mode: 0o600 })
  await expect(second).rejects.toMatchObject({ code: 'SERVICE_SOCKET_BUSY' })
  expect(await statusAt(it.path)).toBe(200)
})

test('a file in the way is not removed', async () => {
  await using it = await temporaryDirectory()
  await writeFile(it.path, 'precious')
  const listening = listenUnix(serverFor(await app()), { ...it.making, path: it.path, mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_SOCKET_BUSY' })
  expect((await lstat(it.path)).isFile()).toBe(true)
})

test('a path that does not fit is refused with its length', async () => {
  await using it = await temporaryDirectory()
  const path = join(it.dir, 'x'.repeat(107 - it.dir.length))
  const listening = listenUnix(createNetServer(), { ...it.making, path, mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_SOCKET_PATH', fields: { bytes: 108, limit: 107 } })
})

test('a directory that is not there is told', async () => {
  await using it = await temporaryDirectory()
  const listening = listenUnix(createNetServer(), { ...it.making, path: join(it.dir, 'none', 'a.sock'), mode: 0o600 })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_LISTEN' })
})

test('a socket that another process has put in our place is not removed', async () => {
  await using it = await temporaryDirectory()
  const listener = await listenUnix(serverFor(await app()), { ...it.making, path: it.path, mode: 0o600 })
  await rm(it.path)
  await using _other = await listenUnix(serverFor(await app()), { ...it.making, path: it.path, mode: 0o600 })
  await listener[Symbol.asyncDispose]()
  expect(await statusAt(it.path)).toBe(200)
})

test('whatever is put in the place of a socket while it is made, what that leads to keeps its mode (W2)', async () => {
  await using it = await temporaryDirectory()
  const victim = join(it.dir, '..', 'handle.key')
  writeFileSync(victim, 'key', { mode: 0o600 })
  const lure = join(it.dir, '..', 'lure')
  let swapped = 0
  const swapAll = (): void => {
    for (const name of readdirSync(it.dir)) {
      symlinkSync(victim, lure)
      renameSync(lure, join(it.dir, name))
      swapped += 1
    }
  }
  for (let turn = 0; turn < 200; turn++) {
    const server = createNetServer()
    // Between the making of the socket and all that follows.
    server.once('listening', swapAll)
    const listening = await listenUnix(server, { ...it.making, path: it.path, mode: 0o666 }).catch(() => undefined)
    swapAll()
    await listening?.[Symbol.asyncDispose]()
    expect(statSync(victim).mode & 0o777).toBe(0o600)
    for (const name of readdirSync(it.dir)) await rm(join(it.dir, name))
  }
  expect(swapped).toBeGreaterThanOrEqual(200)
})

test('another process that swaps whatever appears beside the socket makes nothing writable (W2)', async () => {
  await using it = await temporaryDirectory()
  const victim = join(it.dir, '..', 'handle.key')
  writeFileSync(victim, 'key', { mode: 0o600 })
  await using swapper = await startSwapper(it.dir, victim)
  for (let turn = 0; turn < 200; turn++) {
    const options = { ...it.making, path: join(it.dir, `${turn}.sock`), mode: 0o666 }
    await (await listenUnix(createNetServer(), options).catch(() => undefined))?.[Symbol.asyncDispose]()
    expect(statSync(victim).mode & 0o777).toBe(0o600)
  }
  expect(await swapper.swapped()).toBeGreaterThan(0)
})

test('the directory is the one that was opened: where its path leads to by then, nothing appears and nothing is removed', async () => {
  await using it = await temporaryDirectory()
  const [moved, other] = [join(it.dir, '..', 'moved'), join(it.dir, '..', 'other')]
  mkdirSync(other)
  writeFileSync(join(other, 'agent.sock'), 'of another')
  const server = createNetServer()
  server.once('listening', () => {
    renameSync(it.dir, moved)
    symlinkSync(other, it.dir)
  })
  const listener = await listenUnix(server, { ...it.making, path: it.path, mode: 0o600 })
  expect(lstatSync(join(moved, 'agent.sock')).isSocket()).toBe(true)
  await listener[Symbol.asyncDispose]()
  expect(readdirSync(moved)).toEqual([])
  expect(lstatSync(join(other, 'agent.sock')).isFile()).toBe(true)
})

test.each<[string, (at: { readonly dir: string; readonly makeIn: string; readonly parent: string }) => Partial<ListenUnixOptions>]>([
  ['a directory that is a symlink', ({ dir, parent }) => (symlinkSync(dir, join(parent, 'link')), { path: join(parent, 'link', 'agent.sock') })],
  ['making sockets where others see them', ({ dir }) => (chmodSync(dir, 0o755), { makeIn: dir })],
  ['making sockets in what is no directory', ({ makeIn }) => (writeFileSync(makeIn, ''), {})],
  ['making sockets behind a symlink', ({ dir, makeIn }) => (chmodSync(dir, 0o700), symlinkSync(dir, makeIn), {})],
])('%s is refused', async (_what, changed) => {
  await using it = await temporaryDirectory()
  const options = { ...it.making, path: it.path, mode: 0o600 }
  const listening = listenUnix(createNetServer(), { ...options, ...changed({ dir: it.dir, makeIn: it.making.makeIn, parent: join(it.dir, '..') }) })
  await expect(listening).rejects.toMatchObject({ code: 'SERVICE_LISTEN' })
  expect(await readdir(it.dir)).toEqual([])
})

async function startSwapper(dir: string, victim: string) {
  const child = fork(new URL('testing/swapper-main.ts', import.meta.url), [dir, victim], { execArgv: [] })
  await once(child, 'message')
  return {
    async swapped(): Promise<number> {
      const answer = once(child, 'message') as Promise<[number]>
      child.send('how many')
      return (await answer)[0]
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
