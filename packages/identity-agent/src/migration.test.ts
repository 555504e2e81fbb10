import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { aPod } from '@pallas/identity/testing'
import type { Handle } from '@pallas/wire'
import { nodeKeyOf } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { call } from './testing/call.ts'
import { startChildPeer } from './testing/child-peer.ts'
import { csrFor, kindsOf, oneLivePod, pem, POD } from './testing/one-pod.ts'
import { removeVolume } from './testing/volume-tree.ts'
import { World } from './testing/world.ts'

/** Whatever a team that migrates may need, it asks for by name, and the agent says so aloud. */
async function shouts(world: World, mode: string): Promise<boolean> {
  const line = world.memory.records.some(({ level, problem }) => level === 'warn' && problem === mode)
  return line && (await world.metrics.value('weakened', { mode })) === 1
}

test('by default nothing is weakened by a setting, and nothing is announced', async () => {
  const { world } = await oneLivePod()
  await using _world = world
  for (const mode of ['shared-socket', 'unkeyed-handles', 'handle-only', 'kubelet-read-only-port', 'writable-volumes']) {
    expect([mode, await world.metrics.value('weakened', { mode }), await shouts(world, mode)]).toEqual([mode, 0, false])
  }
})

const OTHER = aPod({ name: 'b-0', uid: 'bbbbbbbb-0d7c-4c58-9c3a-2a7f6a1f0c11', ip: '10.1.2.2' })

test('isolation shared: pods meet the agent at one socket, each still by kernel and handle, and it is announced (C3, W4)', async () => {
  await using world = await World.open()
  const path = `${world.root}/agent/agent.sock`
  world.pods = [POD, OTHER]
  const [own, foreign] = [world.addVolume(POD), world.addVolume(OTHER)]
  world.enter(POD)
  await world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path } })
  expect(await shouts(world, 'shared-socket')).toBe(true)
  expect((await call(path, `/v1/init/${own}`)).status).toBe(200)
  expect(await call(path, `/v1/init/${foreign}`)).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
  // Volumes made before the change go on as they were.
  expect((await world.call(own, 'names')).status).toBe(200)
})

test('isolation shared: a process in no pod is not served, whatever handle it has read (W4, T06)', async () => {
  await using world = await World.open()
  await using stranger = await startChildPeer()
  const path = `${world.root}/agent/agent.sock`
  world.pods = [POD]
  const handle = world.addVolume(POD)
  await world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path } })
  expect(await stranger.call(path, 'POST', `/v1/init/${handle}`)).toMatchObject({ status: 403 })
  expect(world.issuer.calls).toEqual([])
})

test('isolation shared: a socket that others could replace is not opened (W2, T10)', async () => {
  await using world = await World.open()
  const path = `${world.root}/agent/agent.sock`
  mkdirSync(dirname(path))
  chmodSync(dirname(path), 0o777)
  const start = world.startAgent({ isolation: 'shared', listen: { kind: 'unix', path } })
  await expect(start).rejects.toMatchObject({ code: 'VOLUME_UNTRUSTED', fields: { part: 'agent', why: 'mode' } })
  expect(existsSync(path)).toBe(false)
})

test('without it the shared socket of an old manifest is not opened, and that is told (W2)', async () => {
  await using world = await World.open()
  const path = `${world.root}/agent.sock`
  await world.startAgent({ listen: { kind: 'unix', path } })
  expect(existsSync(path)).toBe(false)
  expect(world.memory.records).toContainEqual(expect.objectContaining({ level: 'warn', path, problem: '--isolation per-workload' }))
})

test('without it a volume that shows the shared directory gets no socket: it would be one for all (W2)', async () => {
  await using world = await World.open()
  const handle = world.addVolume(POD)
  const { connect } = world.pathsOf(handle)
  await world.startAgent({ listen: { kind: 'unix', path: `${connect}/agent.sock` } })
  const refused = { msg: 'volume not served', handle, reason: 'VOLUME_UNTRUSTED' }
  expect(world.memory.records).toContainEqual(expect.objectContaining(refused))
  expect(existsSync(`${connect}/agent.sock`)).toBe(false)
})

/** The volume of a driver that names it as the original does. */
function addUnkeyed(world: World): Handle {
  const handle = world.addVolume(POD)
  const { mountDir } = JSON.parse(readFileSync(world.pathsOf(handle).data, 'utf8')) as { mountDir: string }
  const plain = createHash('sha256').update(mountDir).digest('base64url') as Handle
  renameSync(world.pathsOf(handle).root, world.pathsOf(plain).root)
  return plain
}

test('a volume under a name that can be computed is not served (T02, W4)', async () => {
  await using world = await World.open()
  world.pods = [POD]
  world.enter(POD)
  const plain = addUnkeyed(world)
  await world.startAgent()
  const why = { msg: 'volume not served', handle: plain, reason: 'VOLUME_UNTRUSTED', problem: '{"part":"handle","why":"unkeyed"}' }
  expect(world.memory.records).toContainEqual(expect.objectContaining(why))
  await expect(world.call(plain, 'init')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('unkeyed-handles serves it for a mixed fleet, by kernel and listener as any other, and is announced (C3)', async () => {
  await using world = await World.open()
  await using stranger = await startChildPeer()
  world.pods = [POD, OTHER]
  world.enter(POD)
  world.enter(OTHER, stranger.pid)
  const plain = addUnkeyed(world)
  await world.startAgent({ unkeyedHandles: true })
  expect(await shouts(world, 'unkeyed-handles')).toBe(true)
  expect((await world.call(plain, 'init')).status).toBe(200)
  const { socket } = world.pathsOf(plain)
  const reply = await stranger.call(socket, 'POST', `/v1/init/${plain}`)
  expect(reply).toMatchObject({ status: 403, body: { code: 'HANDLE_PEER_MISMATCH' } })
})

test('volumes that a driver lets pods write to are served, and announced as long as there is one (C3, W2)', async () => {
  await using world = await World.open()
  world.pods = [POD]
  world.enter(POD)
  await world.startAgent()
  const handle = world.addVolume(POD, '', { writable: true })
  await expect.poll(() => shouts(world, 'writable-volumes')).toBe(true)
  expect((await world.call(handle, 'init')).status).toBe(200)
  removeVolume(world.volumesDir, handle)
  await expect.poll(() => world.metrics.value('weakened', { mode: 'writable-volumes' })).toBe(0)
})

const modulus = (args: readonly string[], input: string): string =>
  execFileSync('openssl', [...args, '-noout', '-modulus'], { input, encoding: 'utf8' })
const csrOf = (modulusLength: number) => csrFor(nodeKeyOf(generateKeyPairSync('rsa', { modulusLength }).privateKey))

test('rsa-2048: the agent makes keys that the oldest clients read, and renews by them (C4, W16)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.stopAgent()
  await world.startAgent({ keyAlgorithm: 'rsa-2048' })
  const first = await world.call(handle, 'init')
  const keyPem = pem(first.body['keyPEM'])
  expect(keyPem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  expect(createPrivateKey(keyPem).asymmetricKeyDetails?.modulusLength).toBe(2_048)
  const text = execFileSync('openssl', ['rsa', '-check', '-noout'], { input: keyPem, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
  expect(text).toContain('RSA key ok')
  expect(modulus(['rsa'], keyPem)).toBe(modulus(['x509'], pem(first.body['certPEM'])))
  const { keyPEM, certPEM } = first.body
  const second = await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })
  expect(new X509Certificate(pem(second.body['certPEM'])).checkPrivateKey(createPrivateKey(pem(second.body['keyPEM'])))).toBe(true)
  expect(kindsOf(world)).toEqual(['register', 'refresh'])
})

test('a pair of the original, RSA in PKCS#1, is refreshed by an agent that makes P-256 keys (C4)', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  await world.stopAgent()
  await world.startAgent({ keyAlgorithm: 'rsa-2048' })
  const { keyPEM, certPEM } = (await world.call(handle, 'init')).body
  await world.stopAgent()
  await world.startAgent()
  const reply = await world.call(handle, 'refresh', { body: { keyPEM, certPEM } })
  expect(pem(reply.body['keyPEM'])).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  expect(kindsOf(world)).toEqual(['register', 'refresh'])
})

test('a caller may bring an RSA key of 4096 bits', async () => {
  const { world, handle } = await oneLivePod()
  await using _world = world
  expect((await world.call(handle, 'init', { body: { csr: await csrOf(4_096) } })).status).toBe(200)
})
