/** A volume that another container of the pod may write: what it plants there is neither believed nor carried on. */
import { type MemoryHost, MemoryMachine } from '@pallas/host/testing'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { beforeAll, expect, test } from 'vitest'
import { createOutput, type Output } from './output.ts'
import { bytes, promptKeys, START } from '../testing/pod.ts'
import { writeCredentials } from './write-credentials.ts'

const OURS = 1_000
const THEIRS = 12_345
const TOKEN = '/vol/media.accesstoken'
const paths = { key: '/keys/service.key', cert: '/vol/service.cert', caCert: '/vol/ca.pem' }
const SECRET = 'what only we can read'

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create({ now: Date.parse(START) })
})

interface Shared {
  readonly us: MemoryHost
  readonly them: MemoryHost
  /** As a process has it that has just started. */
  open(): Output
  readonly unusable: unknown[]
}

/** Volumes as the kubelet makes them: of root, for everybody. */
async function openShared(): Promise<Shared> {
  const machine = new MemoryMachine({ keys: promptKeys, start: START })
  const root = machine.open()
  for (const path of ['/vol', '/keys']) await root.files.mkdir(path, 0o777)
  const [us, them] = [machine.open({ uid: OURS }), machine.open({ uid: THEIRS })]
  await us.files.create('/only-ours', bytes(SECRET), 0o600)
  const unusable: unknown[] = []
  const told = { onLeftover: () => {}, onUnusable: (error: unknown) => void unusable.push(error) }
  return { us, them, open: () => createOutput({ paths, tokenPaths: [TOKEN], host: us, ...told }), unusable }
}

async function publish(output: Output): Promise<void> {
  const key = nodeKey()
  const { certPem } = await ca.issue({ commonName: 'media.web', key: key.object, notBefore: Date.parse(START) })
  await output.publish({ set: { keyPem: key.pem, certPem, caPem: ca.certPem }, spki: key.spki })
}

/** A generation of their own, in the place of the current one. */
async function plant({ them: { files } }: Shared, contents: Readonly<Record<string, (path: string) => Promise<void>>>) {
  await files.mkdir('/vol/..20290101T000000.000Z.EE', 0o755)
  for (const [name, make] of Object.entries(contents)) await make(`/vol/..20290101T000000.000Z.EE/${name}`)
  await files.symlink('..20290101T000000.000Z.EE', '/vol/..x')
  await files.rename('/vol/..x', '/vol/..data')
}

const textAt = async ({ files }: MemoryHost, path: string) => new TextDecoder().decode(await files.read(path, 100_000))

test.each(['the program that wrote them', 'one that was started since'])('a planted link is not followed for a token that is renewed by %s (T10)', async (who) => {
  const shared = await openShared()
  const output = shared.open()
  await publish(output)
  await output.publishToken(TOKEN, 'one')
  await plant(shared, { 'ca.pem': (path) => shared.them.files.symlink('/only-ours', path) })
  const isSame = who === 'the program that wrote them'
  await (isSame ? output : shared.open()).publishToken(TOKEN, 'two')
  expect(await textAt(shared.us, TOKEN)).toBe('two')
  const there = await textAt(shared.us, '/vol/ca.pem').catch(() => '')
  expect(there).toBe(isSame ? ca.certPem : '')
})

test('a generation that is a link itself is none (T10)', async () => {
  const shared = await openShared()
  await publish(shared.open())
  await shared.us.files.mkdir('/private', 0o700)
  await shared.us.files.create('/private/ca.pem', bytes(SECRET), 0o600)
  await shared.them.files.symlink('/private', '/vol/..evil')
  await shared.them.files.symlink('..evil', '/vol/..x')
  await shared.them.files.rename('/vol/..x', '/vol/..data')
  await shared.open().publishToken(TOKEN, 'two')
  await expect(textAt(shared.us, '/vol/ca.pem')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
})

test('an own file that is no certificate does not become a public one', async () => {
  const shared = await openShared()
  await shared.us.files.create('/vol/ca.pem', bytes(SECRET), 0o600)
  await shared.open().publishToken(TOKEN, 'one')
  await expect(textAt(shared.us, '/vol/..data/ca.pem')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
  expect(shared.unusable).toMatchObject([{ name: 'X509Error' }])
})

test('what an earlier run left beside a token stays', async () => {
  const shared = await openShared()
  await publish(shared.open())
  await shared.open().publishToken(TOKEN, 'one')
  expect(await textAt(shared.us, '/vol/ca.pem')).toBe(ca.certPem)
})

test('a set of another user does not count, whatever it says', async () => {
  const shared = await openShared()
  await publish(shared.open())
  expect(await shared.open().current()).toBeDefined()
  const [cert, authority] = [await textAt(shared.us, paths.cert), await textAt(shared.us, paths.caCert)]
  await plant(shared, {
    'service.cert': (path) => shared.them.files.create(path, bytes(cert), 0o644),
    'ca.pem': (path) => shared.them.files.create(path, bytes(authority), 0o644),
  })
  expect(await shared.open().current()).toBeUndefined()
  expect(shared.unusable).toMatchObject([{ code: 'HOST_DENIED' }])
})

const files = [{ path: '/vol/tls/service.key', content: 'key', secret: true }]
const write = ({ files: door }: MemoryHost, onLeftover: (error: unknown) => void = () => {}) =>
  writeCredentials(files, { files: door, now: Date.parse(START), serial: 'AA', onLeftover })

test.each([0o755, 0o2777])('an output directory of another user is refused, its mode %o asked of nobody (T11, T15)', async (mode) => {
  const { us, them } = await openShared()
  await them.files.mkdir('/vol/tls', mode)
  await expect(write(us)).rejects.toMatchObject({ code: 'SIA_OUTPUT_REFUSED', fields: { path: '/vol/tls', uid: THEIRS } })
  expect(await us.files.list('/vol/tls')).toEqual([])
})

test('so is one that another user makes while we are about to', async () => {
  const { us, them } = await openShared()
  const mkdirs = () => them.files.mkdir('/vol/tls', 0o2777)
  await expect(write({ ...us, files: { ...us.files, mkdirs } })).rejects.toMatchObject({ code: 'SIA_OUTPUT_REFUSED' })
  expect(await us.files.list('/vol/tls')).toEqual([])
})

test('a volume for the group of the pod, of root and for everybody, serves a program that is not root', async () => {
  const { us } = await openShared()
  us.machine.change('/vol', { mode: 0o2777 })
  const door = { files: us.files, now: Date.parse(START), serial: 'AA', onLeftover: () => {} }
  await writeCredentials([{ path: '/vol/key', content: 'key', secret: true }], door)
  const generation = await us.files.readlink('/vol/..data')
  expect(await us.files.stat(`/vol/${generation}/key`)).toMatchObject({ mode: 0o640, uid: OURS })
})

test.each<[string, (shared: Shared) => Promise<void>]>([
  ['the generation', async ({ us, them }) => {
    const [name = ''] = (await us.files.list('/vol/tls')).filter((it) => it.startsWith('..2'))
    await them.files.rename(`/vol/tls/${name}`, '/vol/away')
    await them.files.mkdir(`/vol/tls/${name}`, 0o2777)
  }],
  ['the group of the generation', async ({ us }) => {
    const [name = ''] = (await us.files.list('/vol/tls')).filter((it) => it.startsWith('..2'))
    us.machine.change(`/vol/tls/${name}`, { gid: THEIRS })
  }],
])('nothing that a group may read is written when somebody swaps %s before us (T15)', async (_what, swap) => {
  const shared = await openShared()
  const { us } = shared
  await us.files.mkdir('/vol/tls', 0o2777)
  const created: string[] = []
  const mkdir = async (path: string, mode: number) => {
    await us.files.mkdir(path, mode)
    await swap(shared)
  }
  const createOwn: typeof us.files.createOwn = async (path, ...rest) => {
    await us.files.createOwn(path, ...rest)
    created.push(path)
  }
  await expect(write({ ...us, files: { ...us.files, mkdir, createOwn } })).rejects.toMatchObject({ code: 'HOST_DENIED' })
  expect(created).toEqual([])
  expect(us.faults.steps.filter(({ call }) => call === 'files.create')).toHaveLength(1)
})

test('an old generation that becomes a link while we look takes nothing elsewhere with it (T10)', async () => {
  const { us, them } = await openShared()
  const old = '/vol/tls/..20200101T000000.000Z.AA'
  for (const path of ['/vol/tls', old, '/elsewhere']) await us.files.mkdir(path, 0o777)
  await us.files.create('/elsewhere/a', bytes('a'), 0o600)
  const syncDirectory = async () => {
    if ((await us.files.stat('/vol/away')) !== undefined) return
    await them.files.rename(old, '/vol/away')
    await them.files.symlink('/elsewhere', old)
  }
  const left: unknown[] = []
  await write({ ...us, files: { ...us.files, syncDirectory } }, (error) => void left.push(error))
  expect(await us.files.list('/elsewhere')).toEqual(['a'])
  expect(left).toMatchObject([{ code: 'HOST_WRONG_KIND' }])
})
