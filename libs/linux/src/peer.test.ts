import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { release, tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { selfTestSystemCalls } from './libc.ts'
import { descriptorOf, peerOf, pinPeer, pinWithout } from './peer.ts'
import { actsAsAnybody } from './testing/users.ts'

const CALLER = `
  const { connect } = require('node:net')
  const [path, uid, gid] = process.argv.slice(1)
  if (uid) { process.setgid(Number(gid)); process.setuid(Number(uid)) }
  connect(path).on('error', () => process.exit())
  process.stdin.resume().on('end', () => process.exit())
`
let dir = ''
let server: Server

beforeAll(async () => {
  dir = await mkdtemp(`${tmpdir()}/peer-`)
  // Paused, so that the end of the peer does not close our end under the test.
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(`${dir}/s`)
  await once(server, 'listening')
  const { chmodSync } = await import('node:fs')
  chmodSync(dir, 0o755)
  chmodSync(`${dir}/s`, 0o666)
})

afterAll(async () => {
  server.close()
  await rm(dir, { recursive: true })
})

/** A process that connects, and the server's end of its connection. */
async function caller(...who: readonly string[]) {
  const child = spawn(process.execPath, ['-e', CALLER, `${dir}/s`, ...who], { stdio: ['pipe', 'ignore', 'inherit'] })
  const [socket] = (await once(server, 'connection')) as [Socket]
  return {
    child,
    fd: descriptorOf(socket) ?? -1,
    socket,
    [Symbol.asyncDispose]: async () => {
      socket.destroy()
      await end(child)
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.stdin?.end()
  await once(child, 'exit')
}

const openDescriptors = () => readdirSync('/proc/self/fd').length

test('foreign calls reach the C library', () => {
  expect(selfTestSystemCalls).not.toThrow()
})

describe('the peer of a unix socket', () => {
  test('is named by pid, uid and gid', async () => {
    await using it = await caller()
    expect(peerOf(it.fd)).toEqual({ pid: it.child.pid, uid: process.getuid?.(), gid: process.getgid?.() })
  })

  test.runIf(actsAsAnybody)('is named by its own user, not ours', async () => {
    await using it = await caller('1234', '5678')
    expect(peerOf(it.fd)).toEqual({ pid: it.child.pid, uid: 1234, gid: 5678 })
  })

  test('is not to be had of something that is no socket, or closed', () => {
    const fd = openSync('/dev/null', 'r')
    expect(() => peerOf(fd)).toThrow(expect.objectContaining({ code: 'HOST_IO', fields: expect.objectContaining({ errno: 'ENOTSOCK' }) }))
    expect(() => pinPeer(fd)).toThrow(expect.objectContaining({ name: 'HostError' }))
    closeSync(fd)
    expect(() => peerOf(fd)).toThrow(expect.objectContaining({ fields: expect.objectContaining({ errno: 'EBADF' }) }))
  })

  test('has no descriptor once the socket is closed', async () => {
    await using it = await caller()
    it.socket.destroy()
    await once(it.socket, 'close')
    expect(descriptorOf(it.socket)).toBeUndefined()
  })
})

describe.skipIf(pinsNobody())('a pinned peer', () => {
  test('has not exited, until it has (T03)', async () => {
    await using it = await caller()
    using pin = pinPeer(it.fd)
    expect(pin?.exited()).toBe(false)
    await end(it.child)
    expect(pin?.exited()).toBe(true)
  })

  test('that had ended before it was pinned has exited (T03)', async () => {
    await using it = await caller()
    await end(it.child)
    using pin = pinPeer(it.fd)
    expect(pin?.exited()).toBe(true)
  })

  test('is asked about again when a signal comes between', async () => {
    await using it = await caller()
    using pin = pinPeer(it.fd)
    const profiler = new Session()
    using _ = { [Symbol.dispose]: () => profiler.disconnect() }
    profiler.connect()
    // Samples this thread by a signal each.
    await profiler.post('Profiler.enable')
    await profiler.post('Profiler.setSamplingInterval', { interval: 50 })
    await profiler.post('Profiler.start')
    const answers = new Set(Array.from({ length: 50_000 }, () => pin?.exited()))
    expect([...answers]).toEqual([false])
  })

  test('takes one descriptor and gives it back, however often it is let go', async () => {
    await using it = await caller()
    pinPeer(it.fd)?.[Symbol.dispose]()
    const before = openDescriptors()
    const pins = Array.from({ length: 50 }, () => pinPeer(it.fd))
    expect(openDescriptors()).toBe(before + 50)
    for (const pin of [...pins, ...pins]) pin?.[Symbol.dispose]()
    expect(openDescriptors()).toBe(before)
    expect(() => pins[0]?.exited()).toThrow('no longer pinned')
  })

  test('that cannot be pinned takes none', () => {
    const fd = openSync('/dev/null', 'r')
    const before = openDescriptors()
    for (let tries = 0; tries < 50; tries++) expect(() => pinPeer(fd)).toThrow()
    expect(openDescriptors()).toBe(before)
    closeSync(fd)
  })
})

test.each(['ESRCH', 'EINVAL'])('a kernel that answers %s had a peer that has ended', (errno) => {
  using pin = pinWithout(errno)
  expect(pin?.exited()).toBe(true)
})

test('a kernel without the option pins nobody, and any other failure is one (T08)', () => {
  expect(pinWithout('ENOPROTOOPT')).toBeUndefined()
  expect(() => pinWithout('EMFILE')).toThrow(expect.objectContaining({ fields: expect.objectContaining({ errno: 'EMFILE' }) }))
})

/** SO_PEERPIDFD came with Linux 6.5. */
function pinsNobody(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major < 6 || (major === 6 && minor < 5)
}
