/**
 * The driver of the original, line by line (spec/athenz-suite.md 2 and 18): what stays as it was, and what differs on
 * purpose, with the reason. The real program, exec'd, shows volumes by symlink here, so that no mount is needed.
 */
import { MemoryMachine } from '@pallas/host/testing'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { readSettings } from './settings.ts'
import { mountOptions, POD_UID } from './testing/kubelet-calls.ts'
import { AGENT, nodeInMemory, VOLUMES } from './testing/node-in-memory.ts'
import { type RealNode, realNode } from './testing/real-node.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const dir = mkdtempSync('/tmp/d-')
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const SUCCESS = { status: 'Success', message: '' }
const NOT_SUPPORTED = { status: 'Not supported', message: '' }
const FAILURE = { status: 'Failure', message: expect.stringMatching(/^[A-Z_]+: ./) }

/** Of the original's options: those that this driver cannot do without. */
const NEEDED = ['pod.name', 'pod.namespace', 'pod.uid', 'serviceAccount.name', 'readwrite'].map((key) => `kubernetes.io/${key}`)
const optionsOf = (keys: readonly string[]) =>
  mountOptions(Object.fromEntries(Object.keys(JSON.parse(mountOptions()) as object).flatMap((key) => (keys.includes(key) ? [] : [[key, undefined]]))))

function newNode(): RealNode {
  const node = realNode(mkdtempSync(`${dir}/`), MAIN)
  node.configure({ mounter: 'link', handle: 'original' })
  return node
}

describe('the program', () => {
  let node: RealNode
  beforeAll(() => {
    node = newNode()
  })

  test('is called athenz-volume-driver, as its directory among the plug-ins of a kubelet (C1, C2)', () => {
    expect(Object.keys(manifest.bin)).toEqual(['athenz-volume-driver'])
    expect(node.mountDir).toContain('/athenz.kubernetes.io~athenz-volume-driver/')
  })

  // Each call: exit 0, nothing on stderr, one JSON object on stdout; `realNode` looks at all three.
  const capabilities = { attach: false, fsGroup: false, selinuxRelabel: false }
  test.each<[string, (node: RealNode) => string[], unknown]>([
    ['init: as it was; fsGroup and selinuxRelabel are said too, or the kubelet takes them for true (C2, W12)', () => ['init'], { ...SUCCESS, capabilities }],
    ['mount without a directory: Failure (C2)', () => ['mount'], FAILURE],
    ['mount without options: Failure (C2)', ({ mountDir }) => ['mount', mountDir], FAILURE],
    ['unmount without a directory: Failure (C2)', () => ['unmount'], FAILURE],
    ['mount with options that are no JSON: Failure (C2)', ({ mountDir }) => ['mount', mountDir, '{'], FAILURE],
    ['attach: Not supported (C2)', () => ['attach', '{}', 'node-1'], NOT_SUPPORTED],
    ['getvolumename: Not supported (C2)', () => ['getvolumename', '{}'], NOT_SUPPORTED],
    ['a word that nobody knows: Not supported (C2)', () => ['MOUNT'], NOT_SUPPORTED],
    ['no word at all: Not supported and exit 0; the original wrote its usage on stderr and ended with 1 (C2)', () => [], NOT_SUPPORTED],
    ['mount with the options of the original: Success (C2)', ({ mountDir }) => ['mount', mountDir, mountOptions()], SUCCESS],
    ['mount again: Success (C2, T35)', ({ mountDir }) => ['mount', mountDir, mountOptions()], SUCCESS],
    ['unmount: Success (C2)', ({ mountDir }) => ['unmount', mountDir], SUCCESS],
    ['unmount again: Success; the original failed from then on (C2, W9)', ({ mountDir }) => ['unmount', mountDir], SUCCESS],
    ['mount outside of a pod: Failure; the original took any directory (C2, W14)', () => ['mount', '/tmp/x', mountOptions()], FAILURE],
  ])('%s', async (_row, argv, answer) => {
    expect(await node.call(...argv(node))).toEqual(answer)
  })

  test('what is no call of a kubelet, --help, is for people and no JSON; the original answered Not supported (C2)', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
    execFile(MAIN, ['--help'], { env }, (error, stdout) => resolve(`${error?.code ?? 0} ${stdout}`))
    expect(await promise).toMatch(/^0 athenz-volume-driver: /)
  })
})

test.each([
  ['every key of the original, and any other', Object.keys(JSON.parse(mountOptions()) as object), SUCCESS],
  ['only those that this driver needs', NEEDED, SUCCESS],
  ['no pod.name, as in the original', NEEDED.toSpliced(0, 1), FAILURE],
  ['no pod.namespace, as in the original', NEEDED.toSpliced(1, 1), FAILURE],
  ['no pod.uid; the original did without it', NEEDED.toSpliced(2, 1), FAILURE],
  ['no serviceAccount.name; the original did without it', NEEDED.toSpliced(3, 1), FAILURE],
  ['no readwrite; the original never looked at it', NEEDED.toSpliced(4, 1), FAILURE],
])('options with %s (C2)', async (_row, keys, answer) => {
  expect(await (await nodeInMemory()).mount(optionsOf(keys))).toEqual(answer)
})

test('readwrite ro: the volume is read-only; the original made it so for no value (C2, W3)', async () => {
  const node = await nodeInMemory()
  expect(await node.mount()).toEqual(SUCCESS)
  expect(await node.mounts.under('/var/lib/kubelet')).toMatchObject([{ readOnly: true }])
})

const WRITABLE = mountOptions({ 'kubernetes.io/readwrite': 'rw' })

test('readwrite rw: Failure that says what to write, and nothing is left; the original took it (C2, W2)', async () => {
  const node = await nodeInMemory()
  const message = 'VOLUME_WRITABLE: this volume must be read-only: write `readOnly: true` beside `driver` in its flexVolume'
  expect(await node.mount(WRITABLE)).toEqual({ status: 'Failure', message })
  expect([await node.volumes(), await node.mounts.under('/')]).toEqual([[], [{ target: '/', root: '/', readOnly: false }]])
})

test('readwrite rw with `writableVolumes: allow`: Success, as in the original; what is mounted is read-only all the same, and says so (C2, W2)', async () => {
  const node = await nodeInMemory({ writableVolumes: 'allow' })
  expect(await node.mount(WRITABLE)).toEqual(SUCCESS)
  expect(await node.mounts.under('/var/lib/kubelet')).toMatchObject([{ readOnly: true }, { readOnly: true }])
  const [name = ''] = await node.volumes()
  expect(JSON.parse(await node.text(`${VOLUMES}/${name}/data.json`))).toMatchObject({ writable: true })
})

test('readwrite rw where pods share one socket: Failure, with no way around it (C2, W2)', async () => {
  expect(await (await nodeInMemory({ isolation: 'shared' })).mount(WRITABLE)).toEqual({ status: 'Failure', message: expect.stringMatching(/^VOLUME_WRITABLE: /) })
  const both = await nodeInMemory({ isolation: 'shared', writableVolumes: 'allow' })
  expect(await both.mount(mountOptions())).toEqual({ status: 'Failure', message: expect.stringMatching(/^SETTINGS_INVALID: /) })
})

test('the paths of the original are the defaults (C3)', async () => {
  const { volumesDir, agentDir, handle, isolation } = await readSettings(new MemoryMachine().open().files, {})
  expect({ volumesDir, agentDir }).toEqual({ volumesDir: '/var/athenz/volumes', agentDir: '/var/athenz/agent' })
  // Deviations: names that nobody can compute, sockets that nobody shares. The original's are settings.
  expect({ handle, isolation }).toEqual({ handle: 'keyed', isolation: 'per-workload' })
})

test('a volume is named by the SHA-256 of its mount directory in base64url without padding, where that is set (C3)', async () => {
  const node = newNode()
  await node.mount()
  const name = createHash('sha256').update(node.mountDir).digest('base64url')
  expect(node.volumes()).toEqual([name])
  expect(name).toHaveLength(43)
  await node.unmount()
  expect(node.volumes()).toEqual([])
})

test('by default a volume has another name of the same form, which depends on a key of the host (C3, W4, T02)', async () => {
  const node = newNode()
  node.configure({ mounter: 'link' })
  await node.mount()
  const [name = ''] = node.volumes()
  expect(name).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(name).not.toBe(createHash('sha256').update(node.mountDir).digest('base64url'))
})

test('the tree of a volume, and what a pod sees of it, have the names of the original (C3)', async () => {
  const node = newNode()
  await node.mount()
  const [name = ''] = node.volumes()
  const root = `${node.volumesDir}/${name}`
  expect(readdirSync(root)).toEqual(['data.json', 'mount'])
  expect(readdirSync(node.mountDir)).toEqual(['connect', 'id'])
  expect(readFileSync(`${node.mountDir}/id`, 'utf8')).toBe(name)
  // The original wrote only the first two.
  const data = { namespace: 'default', name: 'flexpod', uid: POD_UID, serviceAccount: 'wl', mountDir: node.mountDir }
  expect(JSON.parse(readFileSync(`${root}/data.json`, 'utf8'))).toEqual({ ...data, createdAt: expect.any(String) })
})

test.each([
  ['', 0o750, 0o750],
  ['/data.json', 0o640, 0o600],
  ['/mount', 0o750, 0o755],
  ['/mount/connect', 0o750, 0o755],
  ['/mount/id', 0o640, 0o444],
])('modes in the tree: %s had %o and has %o, so that pods need no root and state is for root alone (C3, W13)', async (at, _before, mode) => {
  const node = newNode()
  await node.mount()
  expect(statSync(`${node.volumesDir}/${node.volumes()[0]}${at}`).mode & 0o7777).toBe(mode)
})

test('where pods share one socket they see the directory of the agent at connect; the original let them write there (C3, W2, W3)', async () => {
  const node = await nodeInMemory({ isolation: 'shared', handle: 'original' })
  await node.files.mkdirs(AGENT, 0o755)
  node.machine.place(`${AGENT}/agent.sock`, { kind: 'socket' })
  await node.mount()
  const [mount = { target: '' }] = await node.mounts.under('/var/lib/kubelet')
  expect(mount).toMatchObject({ root: AGENT, readOnly: true, target: expect.stringMatching(/\/connect$/) })
  expect(await node.files.stat(`${mount.target}/agent.sock`)).toMatchObject({ kind: 'socket' })
  // Deviation: bound over the volume, not into the tree, where a removal could go through it (W10).
  expect(await node.mounts.under(VOLUMES)).toEqual([])
})
