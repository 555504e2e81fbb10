import type { OutputFile } from '@pallas/credentials'
import { HostError } from '@pallas/host'
import { CrashedError, type MemoryHost, memoryHost, MemoryMachine } from '@pallas/host/testing'
import { expect, test } from 'vitest'
import { pinned } from './pinned.ts'
import { bytes } from '../testing/pod.ts'
import { writeCredentials } from './write-credentials.ts'

const setOf = (n: number): readonly OutputFile[] => [
  { path: '/tls/service.key', content: `key ${n}`, secret: true },
  { path: '/tls/service.cert', content: `cert ${n}`, secret: false },
  { path: '/tls/cacert.pem', content: `ca ${n}`, secret: false },
  { path: '/tokens/ntoken', content: `token ${n}`, secret: true },
]

/** After so long no reader is waited for. */
const A_WHILE = 2 * 60_000

const leftovers: unknown[] = []
const onLeftover = (error: unknown) => void leftovers.push(error)

function write(host: MemoryHost, n: number): Promise<void> {
  return writeCredentials(setOf(n), { files: host.files, now: host.clock.now() + n * A_WHILE, serial: `A${n}`, onLeftover })
}

async function withDirectories(mode = 0o777): Promise<MemoryHost> {
  const host = memoryHost()
  for (const path of ['/tls', '/tokens', '/etc']) await host.files.mkdir(path, mode)
  return host
}

const textAt = async (host: MemoryHost, path: string) => new TextDecoder().decode(await host.files.read(path, 1_000))

/** What a reader that pins `..data` finds in the directory of the key: one generation's number, or `torn`. */
async function generationSeen(host: MemoryHost): Promise<string> {
  const at = await pinned('/tls', host.files)
  const names = ['service.key', 'service.cert', 'cacert.pem']
  const found = await Promise.all(names.map((name) => textAt(host, `${at}/${name}`)))
  const numbers = new Set(found.map((text) => text.split(' ')[1]))
  return numbers.size === 1 ? [...numbers].join('') : 'torn'
}

test('each file is reached by its own name, through one generation of its directory', async () => {
  const host = await withDirectories()
  await write(host, 1)
  expect(await textAt(host, '/tls/service.key')).toBe('key 1')
  expect(await textAt(host, '/tokens/ntoken')).toBe('token 1')
  expect(await host.files.readlink('/tls/service.cert')).toBe('..data/service.cert')
})

test('missing output directories are made', async () => {
  const host = memoryHost()
  await write(host, 1)
  expect(await textAt(host, '/tls/service.cert')).toBe('cert 1')
})

test.each([
  ['private', 0o777, 0o600],
  ['readable by the group exactly where the directory is setgid', 0o2775, 0o640],
])('secrets are %s, the rest is public (W17, T15)', async (_name, directoryMode, secretMode) => {
  const host = await withDirectories(directoryMode)
  await write(host, 1)
  const at = await pinned('/tls', host.files)
  expect((await host.files.stat(`${at}/service.key`))?.mode).toBe(secretMode)
  expect((await host.files.stat(`${at}/service.cert`))?.mode).toBe(0o644)
  expect((await host.files.stat(`${await pinned('/tokens', host.files)}/ntoken`))?.mode).toBe(secretMode)
})

test('the generation before the current one stays, older ones and those of a run that died go', async () => {
  const host = await withDirectories()
  await host.files.mkdir('/tls/..20290101T000000.000Z.DEAD', 0o755)
  await host.files.create('/tls/..20290101T000000.000Z.DEAD/service.key', bytes('half'), 0o600)
  for (const n of [1, 2, 3]) await write(host, n)
  const generations = (await host.files.list('/tls')).filter((name) => name.startsWith('..2'))
  expect(generations.map((name) => name.split('.').at(-1))).toEqual(['A2', 'A3'])
})

test('plain files of an older program are replaced, whoever else holds a link to them', async () => {
  const host = await withDirectories()
  await host.files.create('/etc/kept', bytes('not ours'), 0o644)
  await host.files.link('/etc/kept', '/tls/service.key')
  await write(host, 1)
  expect(await textAt(host, '/tls/service.key')).toBe('key 1')
  expect(await textAt(host, '/etc/kept')).toBe('not ours')
})

test.each([
  ['a symlink', (host: MemoryHost) => host.files.symlink('/etc', '/tls')],
  ['a dangling symlink', (host: MemoryHost) => host.files.symlink('/nowhere', '/tls')],
  ['a file', (host: MemoryHost) => host.files.create('/tls', bytes(''), 0o644)],
  ['a fifo', async (host: MemoryHost) => host.machine.place('/tls', { kind: 'other' })],
  ['a socket', async (host: MemoryHost) => host.machine.place('/tls', { kind: 'socket' })],
])('%s in the place of the output directory is refused, and nothing is written anywhere', async (_name, spoil) => {
  const host = memoryHost()
  await host.files.mkdir('/etc', 0o755)
  await host.files.mkdir('/tokens', 0o755)
  await spoil(host)
  const before = host.machine.snapshot()
  await expect(write(host, 1)).rejects.toMatchObject({ code: 'SIA_OUTPUT_REFUSED', fields: { path: '/tls' } })
  expect(host.machine.snapshot()).toEqual(before)
})

test.each([
  ['the current link leads out of the directory', (host: MemoryHost) => host.files.symlink('../etc', '/tls/..data')],
  ['the current link is a directory', (host: MemoryHost) => host.files.mkdir('/tls/..data', 0o755)],
  ['a file is a directory', (host: MemoryHost) => host.files.mkdir('/tls/service.key', 0o755)],
])('when %s it is refused, and nothing changes', async (_name, spoil) => {
  const host = await withDirectories()
  await spoil(host)
  const before = host.machine.snapshot()
  await expect(write(host, 1)).rejects.toMatchObject({ code: 'OUTPUT_OCCUPIED' })
  expect(host.machine.snapshot()).toEqual(before)
})

test('a symlink in the place of a file is replaced, never written through (T10)', async () => {
  const host = await withDirectories()
  await host.files.create('/etc/passwd', bytes('root'), 0o644)
  await host.files.symlink('/etc/passwd', '/tls/service.key')
  await host.files.symlink('/etc', '/tls/..data_tmp')
  await write(host, 1)
  expect(await textAt(host, '/etc/passwd')).toBe('root')
  expect(await host.files.list('/etc')).toEqual(['passwd'])
})

/** How many calls of the door one publication over an existing set takes. */
async function callsOf(): Promise<number> {
  const host = await withDirectories()
  await write(host, 1)
  host.faults.reset()
  await write(host, 2)
  return host.faults.steps.length
}

test('a process that dies at any call leaves the old set or the new one, and the next run succeeds (W31, T13)', async () => {
  const calls = await callsOf()
  const seen = new Set<string>()
  for (let n = 1; n <= calls; n++) {
    const machine = new MemoryMachine()
    const host = machine.open()
    for (const path of ['/tls', '/tokens']) await host.files.mkdir(path, 0o777)
    await write(host, 1)
    host.faults.reset()
    host.faults.crashAt(n)
    await expect(write(host, 2)).rejects.toBeInstanceOf(CrashedError)

    const next = machine.open()
    seen.add(await generationSeen(next))
    await write(next, 3)
    expect(await generationSeen(next), `after a crash at call ${n}`).toBe('3')
    expect((await next.files.list('/tls')).filter((name) => name.startsWith('..2')).length).toBeLessThanOrEqual(2)
  }
  expect(seen).toEqual(new Set(['1', '2']))
  expect(calls).toBeGreaterThan(30)
})

test.each(['ENOSPC', 'EROFS', 'EIO', 'EMFILE'])('%s at any call leaves a whole set, and the next try succeeds', async (errno) => {
  const calls = await callsOf()
  for (let n = 1; n <= calls; n++) {
    const host = await withDirectories()
    await write(host, 1)
    host.faults.reset()
    host.faults.failAt(n, new HostError('HOST_IO', 'the file system refused', { errno }))
    const failed = await write(host, 2).then(
      () => false,
      () => true,
    )
    host.faults.reset()
    expect(await generationSeen(host), `call ${n}`).toMatch(failed ? /^[12]$/ : /^2$/)
    await write(host, 3)
    expect(await generationSeen(host)).toBe('3')
  }
})

test('a disk that is full from the first write on leaves no trace (T12)', async () => {
  const host = await withDirectories()
  await write(host, 1)
  const before = host.machine.snapshot()
  host.faults.failWhen(({ call }) => (call === 'files.createOwn' ? new HostError('HOST_IO', 'full', { errno: 'ENOSPC' }) : undefined))
  await expect(write(host, 2)).rejects.toMatchObject({ code: 'HOST_IO' })
  expect(host.machine.snapshot()).toEqual(before)
})

test('a file that does not hold what was written is never made current', async () => {
  const host = await withDirectories()
  await write(host, 1)
  const { files } = host
  const readOwn = async (path: string, max: number) => (await files.readOwn(path, max)).map((byte) => byte ^ 1)
  const lying = { ...files, readOwn }
  const deps = { files: lying, now: host.clock.now() + 9 * A_WHILE, serial: 'A9', onLeftover }
  await expect(writeCredentials(setOf(2), deps)).rejects.toMatchObject({ code: 'SIA_READ_BACK' })
  expect(await generationSeen(host)).toBe('1')
})

test('old generations that cannot be removed are told of, not an error', async () => {
  const host = await withDirectories()
  await write(host, 1)
  await write(host, 2)
  host.faults.failWhen(({ call }) => (call === 'files.discard' ? new HostError('HOST_BUSY', 'busy') : undefined))
  leftovers.length = 0
  await write(host, 3)
  expect(await generationSeen(host)).toBe('3')
  expect(leftovers).toHaveLength(1)
})
