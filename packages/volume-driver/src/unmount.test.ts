import { HostError } from '@pallas/host'
import { describe, expect, test } from 'vitest'
import { mountDirOf, mountOptions, POD_UID } from './testing/kubelet-calls.ts'
import { callDriver, KUBELET, MOUNT_DIR, nodeInMemory, VOLUMES } from './testing/node-in-memory.ts'

const SUCCESS = { status: 'Success', message: '' }
const failing = (code: string) => ({ status: 'Failure', message: expect.stringMatching(new RegExp(`^${code}: `)) })

describe('unmount', () => {
  test('takes all of it away, with what the agent put there', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    const root = `${VOLUMES}/${handle}`
    for (const name of ['context.json', '.context.json.ab12', 'context.json.tmp']) await node.files.create(`${root}/${name}`, new Uint8Array(), 0o600)
    for (const name of ['agent.sock', 'workload.sock']) node.machine.place(`${root}/mount/connect/${name}`, { kind: 'socket' })
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
    expect(await node.mounts.under('/')).toHaveLength(1)
    expect(await node.files.stat(MOUNT_DIR)).toMatchObject({ kind: 'directory' })
  })

  test('twice, of nothing, and of a directory that is gone succeeds (W9, T35, T36)', async () => {
    const node = await nodeInMemory()
    expect(await node.unmount()).toEqual(SUCCESS)
    await node.mount()
    for (let times = 0; times < 3; times++) expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.call('unmount', mountDirOf('/no/such/kubelet'))).toEqual(SUCCESS)
  })

  test('after a reboot takes the tree away (W9, T35)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    node.machine.reboot()
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
  })

  test('takes away mounts stacked on the directory, and what is mounted in the tree (W9, W10)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.mkdir('/agent', 0o755)
    await node.files.create('/agent/agent.sock', new Uint8Array(), 0o600)
    for (let times = 0; times < 2; times++) {
      await node.mounts.bind('/agent', `${VOLUMES}/${handle}/mount/connect`, { readOnly: false })
      await node.mounts.bind(`${VOLUMES}/${handle}/mount`, MOUNT_DIR, { readOnly: false })
      await node.mounts.bind('/agent', `${MOUNT_DIR}/connect`, { readOnly: false })
    }
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.mounts.under('/')).toHaveLength(1)
    expect(await node.volumes()).toEqual([])
    expect(await node.files.list('/agent')).toEqual(['agent.sock'])
  })

  test('never deletes through a mount that stays (W10, T10)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.mkdir('/agent', 0o755)
    await node.files.create('/agent/id', new Uint8Array(), 0o600)
    await node.mounts.bind('/agent', `${VOLUMES}/${handle}/mount`, { readOnly: false })
    const stuck = node.machine.open()
    stuck.faults.failWhen(({ call, path }) => (call === 'mounts.unmount' && path.startsWith(VOLUMES) ? new Error('stuck') : undefined))
    expect(await callDriver(stuck, ['unmount', MOUNT_DIR])).toMatchObject({ status: 'Failure' })
    expect(await node.files.list('/agent')).toEqual(['id'])
    expect(await node.volumes()).toEqual([handle])
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.files.list('/agent')).toEqual(['id'])
  })

  test('nor through one that came while it was renamed away, under a name that is its alone (W10)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    await node.files.mkdir('/agent', 0o755)
    node.machine.place('/agent/agent.sock', { kind: 'socket' })
    const host = node.machine.open()
    const rename = async (from: string, to: string) => {
      await node.mounts.bind('/agent', `${from}/mount/connect`, { readOnly: false })
      return host.files.rename(from, to)
    }
    expect(await callDriver({ ...host, files: { ...host.files, rename } }, ['unmount', MOUNT_DIR])).toEqual(failing('VOLUME_BUSY'))
    expect(await node.files.list('/agent')).toEqual(['agent.sock'])
  })

  test.each(['unmount', 'mount'] as const)('%s follows no link that has the name of its tree, to that of another pod (W10, T10)', async (command) => {
    const node = await nodeInMemory()
    const uid = POD_UID.replace('c', 'd')
    const other = mountDirOf(KUBELET, uid)
    await node.files.mkdirs(other, 0o750)
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.unmount()
    await node.call('mount', other, mountOptions({ 'kubernetes.io/pod.uid': uid }))
    const [living = ''] = await node.volumes()
    await node.files.symlink(`${VOLUMES}/${living}`, `${VOLUMES}/${handle}`)
    const before = await node.text(`${VOLUMES}/${living}/data.json`)
    expect(await node[command]()).toEqual(SUCCESS)
    expect(await node.text(`${VOLUMES}/${living}/data.json`)).toBe(before)
    expect(await node.text(`${VOLUMES}/${living}/mount/id`)).toBe(living)
  })

  test.each([31, 64])('is not kept by the broken tree of another pod, nor by a key of %i bytes (T35)', async (length) => {
    const node = await nodeInMemory()
    await node.mount()
    await node.files.mkdir(`${VOLUMES}/${'b'.repeat(43)}`, 0o750)
    await node.files.unlink(KEY)
    await node.files.create(KEY, new Uint8Array(length), 0o600)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual(['b'.repeat(43)])
  })

  test('does not walk through a tree that others may change meanwhile, and takes it out of the way (T11)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    node.machine.change(`${VOLUMES}/${handle}`, { mode: 0o777 })
    expect(await node.unmount()).toEqual(SUCCESS)
    const [left = ''] = await node.volumes()
    expect(left).toMatch(/^\.removed-/)
    expect(await node.files.list(`${VOLUMES}/${left}`)).toContain('data.json')
    expect(await node.mount()).toEqual(SUCCESS)
  })

  test('finds the tree by what it says, after the handle key has changed', async () => {
    const node = await nodeInMemory()
    await node.mount()
    await node.files.unlink('/var/athenz/handle.key')
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
    expect(await node.files.stat('/var/athenz/handle.key')).toBeUndefined()
  })

  test('takes away what the original driver made (C3)', async () => {
    const node = await nodeInMemory({ handle: 'original' })
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.unlink(`${VOLUMES}/${handle}/data.json`)
    await node.files.create(`${VOLUMES}/${handle}/data.json`, new TextEncoder().encode('{"namespace":"default","name":"flexpod"}'), 0o640)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
  })

  test('leaves the volumes of others alone, whatever state they are in', async () => {
    const node = await nodeInMemory()
    const other = mountDirOf(KUBELET, POD_UID.replace('c', 'd'))
    await node.files.mkdirs(other, 0o750)
    await node.call('mount', other, mountOptions({ 'kubernetes.io/pod.uid': POD_UID.replace('c', 'd') }))
    await node.files.mkdir(`${VOLUMES}/${'a'.repeat(43)}`, 0o750)
    await node.files.mkdir(`${VOLUMES}/${'b'.repeat(43)}`, 0o750)
    await node.files.create(`${VOLUMES}/${'b'.repeat(43)}/data.json`, new TextEncoder().encode('{'), 0o600)
    const before = node.machine.snapshot()
    await node.mount()
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(node.machine.snapshot()).toEqual(before)
  })

  test.each([
    ['may have written', 0o666, 0],
    ['owns', 0o600, 1_000],
  ])('does not believe a tree that somebody else %s (T11)', async (_name, mode, uid) => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    const forged = `${VOLUMES}/${'f'.repeat(43)}`
    await node.files.mkdir(forged, 0o750)
    await node.files.create(`${forged}/data.json`, await node.files.read(`${VOLUMES}/${handle}/data.json`, 9_999), mode)
    node.machine.change(`${forged}/data.json`, { uid })
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual(['f'.repeat(43)])
  })

  test('keeps what it does not know, out of the way, and succeeds from the second call on (W10)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.create(`${VOLUMES}/${handle}/mount/precious`, new Uint8Array(), 0o600)
    expect(await node.unmount()).toEqual(failing('HOST_NOT_EMPTY'))
    expect(await node.unmount()).toEqual(SUCCESS)
    const [left = ''] = await node.volumes()
    expect(left).toMatch(/^\.removed-/)
    expect(await node.files.list(`${VOLUMES}/${left}/mount`)).toEqual(['precious'])
  })

  test('of a volume in use says so and takes nothing away', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const before = node.machine.snapshot()
    const busy = node.machine.open()
    const inUse = new HostError('HOST_BUSY', 'the kernel refused', { call: 'umount2', errno: 'EBUSY' })
    busy.faults.failWhen(({ call }) => (call === 'mounts.unmount' ? inUse : undefined))
    const message = 'VOLUME_BUSY: a process still uses the volume (umount2 EBUSY)'
    expect(await callDriver(busy, ['unmount', MOUNT_DIR])).toEqual({ status: 'Failure', message })
    expect(node.machine.snapshot()).toEqual(before)
  })
})

const KEY = '/var/athenz/handle.key'

describe('a volume whose mount directory the kubelet took away without a call', () => {
  const other = { uid: POD_UID.replace('c', 'd'), dir: mountDirOf(KUBELET, POD_UID.replace('c', 'd')) }

  /** Two pods; then the machine ends, and one of them is gone when it is back. */
  const afterCrash = async () => {
    const node = await nodeInMemory()
    await node.files.mkdirs(other.dir, 0o750)
    await node.call('mount', other.dir, mountOptions({ 'kubernetes.io/pod.uid': other.uid }))
    const [orphan = ''] = await node.volumes()
    node.machine.reboot()
    await node.mount()
    await node.files.rmdir(other.dir)
    return { ...node, orphan }
  }

  test('stays through every call for another: a root of the kubelet that is not there yet looks the same (W40)', async () => {
    const node = await afterCrash()
    const third = mountDirOf(KUBELET, POD_UID, 'third')
    await node.files.mkdirs(third, 0o750)
    await node.call('mount', third, mountOptions())
    expect(await node.call('unmount', third)).toEqual(SUCCESS)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([node.orphan])
  })

  test('goes with an unmount of its own, which needs no directory (W9, W40)', async () => {
    const node = await afterCrash()
    const [lives = ''] = (await node.volumes()).filter((name) => name !== node.orphan)
    expect(await node.call('unmount', other.dir)).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([lives])
  })

  test.each([
    ['says nothing of itself', async (node: Awaited<ReturnType<typeof afterCrash>>) => node.files.unlink(`${VOLUMES}/${node.orphan}/data.json`)],
    ['may be forged', async (node: Awaited<ReturnType<typeof afterCrash>>) => node.machine.change(`${VOLUMES}/${node.orphan}/data.json`, { uid: 1_000 })],
  ])('goes by its name alone when it %s; where there is no key that gives the name, it is left alone (W40, T11)', async (_what, spoil) => {
    const node = await afterCrash()
    await spoil(node)
    const key = await node.files.read(KEY, 100)
    await node.files.unlink(KEY)
    expect(await node.call('unmount', other.dir)).toEqual(SUCCESS)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([node.orphan])
    await node.files.create(KEY, key, 0o600)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([node.orphan])
    expect(await node.call('unmount', other.dir)).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
  })
})

describe('by symlink', () => {
  test('a volume is shown, shown again, and taken away', async () => {
    const node = await nodeInMemory({ mounter: 'link' })
    expect(await node.mount()).toEqual(SUCCESS)
    const [handle = ''] = await node.volumes()
    expect(await node.files.readlink(MOUNT_DIR)).toBe(`${VOLUMES}/${handle}/mount`)
    const before = node.machine.snapshot()
    expect(await node.mount()).toEqual(SUCCESS)
    expect(node.machine.snapshot()).toEqual(before)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.files.stat(MOUNT_DIR)).toBeUndefined()
    expect(await node.volumes()).toEqual([])
    expect(await node.unmount()).toEqual(SUCCESS)
  })

  test('and by mount follow one another', async () => {
    const node = await nodeInMemory({ mounter: 'link' })
    await node.mount()
    const [handle] = await node.volumes()
    await node.files.unlink('/var/athenz/volume-driver.json')
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([handle])
    expect(await node.mounts.under(MOUNT_DIR)).toMatchObject([{ readOnly: true }])
  })
})
