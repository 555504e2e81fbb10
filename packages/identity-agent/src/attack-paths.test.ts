import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { actsAsAnybody } from '@pallas/linux/testing'
import type { Handle } from '@pallas/wire'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { call } from './testing/call.ts'
import { oneLivePod, POD } from './testing/one-pod.ts'
import { World } from './testing/world.ts'

/** After so long a pod may ask once more, however often it has asked. */
const ONE_MORE_MS = 200

/** Sends these bytes as a request target, which no HTTP library would. */
async function raw(socketPath: string, target: string, head = ''): Promise<string> {
  const socket = connect(socketPath)
  socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${head}content-length: 0\r\n\r\n`)
  return text(socket)
}

test.each([
  ['a traversal, encoded', '/v1/init/..%2f..%2fetc', 400, 'HANDLE_INVALID'],
  ['a traversal', '/v1/init/../../etc', 400, 'HANDLE_INVALID'],
  ['a zero byte, encoded', '/v1/init/%00', 400, 'HANDLE_INVALID'],
  ['a slash, encoded, into the mount', '/v1/init/HANDLE%2Fmount', 400, 'HANDLE_INVALID'],
  ['a slash into the mount', '/v1/init/HANDLE/mount', 400, 'HANDLE_INVALID'],
  ['a slash at the end', '/v1/init/HANDLE/', 400, 'HANDLE_INVALID'],
  ['a query', '/v1/init/HANDLE?x=1', 400, 'HANDLE_INVALID'],
  ['a handle with an encoded letter', '/v1/init/%41HANDLE', 400, 'HANDLE_INVALID'],
  ['one that is too long', `/v1/init/${'A'.repeat(44)}`, 400, 'HANDLE_INVALID'],
  ['one that is far too long', `/v1/init/${'A'.repeat(5_000)}`, 400, 'HANDLE_INVALID'],
  ['one that is too short', `/v1/init/${'A'.repeat(42)}`, 400, 'HANDLE_INVALID'],
  ['an alphabet of its own', `/v1/init/${'A'.repeat(42)}=`, 400, 'HANDLE_INVALID'],
  ['no handle', '/v1/init/', 400, 'HANDLE_INVALID'],
  ['an encoding that cannot be decoded', '/v1/init/%zz', 404, 'ROUTE_UNKNOWN'],
  ['an encoded route', '/v1/%69nit/HANDLE', 404, 'ROUTE_UNKNOWN'],
  ['another route', '/v1/status', 404, 'ROUTE_UNKNOWN'],
  ['a doubled slash', '/v1//init/HANDLE', 404, 'ROUTE_UNKNOWN'],
  ['a slash before', '//v1/init/HANDLE', 404, 'ROUTE_UNKNOWN'],
  ['another case', '/V1/INIT/HANDLE', 404, 'ROUTE_UNKNOWN'],
  ['a whole URL', 'http://agent/v1/init/HANDLE', 404, 'ROUTE_UNKNOWN'],
  ['an asterisk', '*', 404, 'ROUTE_UNKNOWN'],
])('%s is refused before anything is looked up with it (T09, W1)', async (_name, target, status, code) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const answer = await raw(world.pathsOf(handle).socket, target.replace('HANDLE', handle))
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(answer).toContain(`"code":"${code}"`)
  expect(world.kubeletCalls).toBe(0)
  expect(world.issuer.calls).toEqual([])
})

test.each([
  ['GET', 'init'],
  ['PUT', 'init'],
  ['DELETE', 'refresh'],
  ['HEAD', 'names'],
  ['POST', 'names'],
])('%s is no method of %s', async (method, action) => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  expect((await call(world.pathsOf(handle).socket, `/v1/${action}/${handle}`, { method })).status).toBe(404)
})

test('fuzz: no request target gets anything but its own pod, and the agent goes on (T09, W1)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const part = fc.oneof(
    fc.constantFrom('/', '//', '..', '%2e', '%2f', '%00', 'v1', 'init', 'refresh', 'mount', '?', '#', ';', '*', 'é', '\\'),
    fc.string({ maxLength: 20 }).map((it) => it.replace(/[^\x21-\x7e]/g, '')),
  )
  const target = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => `/v1/init/${parts.join('')}`)
  await fc.assert(
    fc.asyncProperty(target, async (it) => {
      await world.clock.advance(ONE_MORE_MS)
      expect(await raw(world.pathsOf(handle).socket, it)).toMatch(/^HTTP\/1.1 4\d\d /)
    }),
    { numRuns: 300 },
  )
  expect(world.issuer.calls).toEqual([])
  expect((await world.call(handle, 'names')).status).toBe(200)
})

test('fuzz: bodies that are none get 400, and the agent goes on', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string(), { maxLength: 2 }))
  const body = fc.oneof(
    fc.string({ minLength: 1, maxLength: 200 }),
    fc.dictionary(fc.constantFrom('csr', 'keyPEM', 'CERTPEM', '__proto__', 'x'), value).map((it) => JSON.stringify(it)),
    fc.constant('['.repeat(2_000)),
  )
  const type = fc.constantFrom({}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain; x=y' })
  await fc.assert(
    fc.asyncProperty(body, type, async (it, headers) => {
      await world.clock.advance(ONE_MORE_MS)
      expect((await world.call(handle, 'refresh', { body: it, headers })).status).toBe(400)
    }),
    { numRuns: 300 },
  )
  expect((await world.call(handle, 'names')).status).toBe(200)
})

test('fuzz: odd headers change nothing', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const name = fc.constantFrom('host', 'x-forwarded-for', 'content-type', 'accept', 'x-request-id', 'authorization', 'expect2')
  const value = fc.string({ maxLength: 60 }).map((it) => it.replace(/[^\x20-\x7e]/g, ''))
  await fc.assert(
    fc.asyncProperty(name, value, async (header, it) => {
      await world.clock.advance(ONE_MORE_MS)
      const answer = await raw(world.pathsOf(handle).socket, `/v1/names/${handle}`, `${header}: ${it}\r\n`)
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d /)
    }),
    { numRuns: 200 },
  )
  expect((await world.call(handle, 'names')).status).toBe(200)
})

test('a body that is too long is refused (W22)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  const reply = await world.call(handle, 'refresh', { body: JSON.stringify({ csr: 'a'.repeat(100_000) }) })
  expect(reply).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
})

test('a client of the original sends no body, or an empty one of some type (C4)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  for (const headers of [{}, { 'content-type': 'application/json', 'content-length': '0' }, { 'content-type': '' }]) {
    expect((await world.call(handle, 'init', { headers })).status).toBe(200)
  }
})

type Spoil = (world: World, handle: Handle) => void

const spoil: readonly (readonly [string, Spoil])[] = [
  ['a mount that is a symlink (T10)', replaced('mount', (it) => symlinkSync('/tmp', it))],
  ['a mount that is a file (T10)', replaced('mount', (it) => writeFileSync(it, ''))],
  ['a connect directory that is a symlink (T10)', replaced('connect', (it) => symlinkSync('/tmp', it))],
  ['a data.json that is a symlink (T10)', replaced('data', (it) => symlinkSync('/etc/hostname', it))],
  ['a data.json that is a fifo (T10)', replaced('data', (it) => void execFileSync('mkfifo', [it]))],
  ['a data.json that has another name too (T10)', (world, handle) => linkSync(world.pathsOf(handle).data, `${world.root}/link`)],
  ['a volume that is a symlink (T10)', (world, handle) => moveAway(world, handle)],
  ['a volume that anybody may write to (T11)', (world, handle) => chmodSync(world.pathsOf(handle).root, 0o777)],
  ['a mount that its group may write to (T11)', (world, handle) => chmodSync(world.pathsOf(handle).mount, 0o775)],
  ['a data.json that anybody may write to (T11)', (world, handle) => chmodSync(world.pathsOf(handle).data, 0o666)],
  ['a data.json of another shape (T11)', (world, handle) => writeFileSync(world.pathsOf(handle).data, '{"uid":"x"}')],
  ['a data.json that a loss of power left empty (T13)', (world, handle) => writeFileSync(world.pathsOf(handle).data, '')],
  ['a data.json that never ends (T11)', (world, handle) => writeFileSync(world.pathsOf(handle).data, ' '.repeat(70_000))],
]

function replaced(part: 'mount' | 'connect' | 'data', by: (path: string) => void): Spoil {
  return (world, handle) => {
    const path = world.pathsOf(handle)[part]
    renameSync(path, `${path}.old`)
    by(path)
  }
}

function moveAway(world: World, handle: Handle): void {
  const { root } = world.pathsOf(handle)
  renameSync(root, `${world.root}/elsewhere`)
  symlinkSync(`${world.root}/elsewhere`, root)
}

test.each(spoil)('%s is not served, and an event says so', async (_name, spoiling) => {
  await using world = await World.open()
  world.pods = [POD]
  const handle = world.addVolume(POD)
  spoiling(world, handle)
  await world.startAgent()
  await expectUntrusted(world, handle)
})

test.runIf(actsAsAnybody)('a volume of another user is not served (needs root to make one) (T11)', async () => {
  await using world = await World.open()
  world.pods = [POD]
  const handle = world.addVolume(POD)
  chownSync(world.pathsOf(handle).root, 12_345, 12_345)
  await world.startAgent()
  await expectUntrusted(world, handle)
})

async function expectUntrusted(world: World, handle: Handle): Promise<void> {
  expect(await world.metrics.value('volumes_refused_total', { reason: 'VOLUME_UNTRUSTED' })).toBe(1)
  expect(world.memory.records).toContainEqual(expect.objectContaining({ handle, reason: 'VOLUME_UNTRUSTED' }))
  await expect(world.call(handle, 'names')).rejects.toMatchObject({ code: expect.stringMatching(/ENOENT|ENOTDIR/) })
}

test('a tree that anybody may write to is not read (T11)', async () => {
  await using world = await World.open()
  chmodSync(world.volumesDir, 0o777)
  const serving = await world.startAgent()
  expect(serving.volumesProblem()).toContain('volume')
  rmSync(world.volumesDir, { recursive: true })
  mkdirSync(world.volumesDir)
})
