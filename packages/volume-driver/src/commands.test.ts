import { isHandle } from '@pallas/wire'
import { describe, expect, test } from 'vitest'
import { mountDirOf, mountOptions, POD_UID } from './testing/kubelet-calls.ts'
import { AGENT, KUBELET, MOUNT_DIR, nodeInMemory, VOLUMES } from './testing/node-in-memory.ts'

const SUCCESS = { status: 'Success', message: '' }
const failing = (code: string) => ({ status: 'Failure', message: expect.stringMatching(new RegExp(`^${code}: `)) })

describe('what is not mounting', () => {
  test('init tells the kubelet to leave attaching, groups and labels alone, and touches nothing (W12)', async () => {
    const node = await nodeInMemory()
    const before = node.machine.snapshot()
    const capabilities = { attach: false, fsGroup: false, selinuxRelabel: false }
    expect(await node.call('init')).toEqual({ ...SUCCESS, capabilities })
    expect(node.machine.snapshot()).toEqual(before)
  })

  test('init answers even when the settings are broken, because it holds up the whole node', async () => {
    const node = await nodeInMemory({ mounter: 'none' })
    expect(await node.call('init')).toMatchObject({ status: 'Success' })
    expect(await node.mount()).toEqual(failing('SETTINGS_INVALID'))
  })

  test.each(['attach', 'detach', 'getvolumename', 'waitforattach', 'isattached', 'mountdevice', 'unmountdevice', 'expandvolume', 'expandfs', '', 'INIT', '--verbose'])(
    '%j is not supported',
    async (command) => {
      const node = await nodeInMemory()
      expect(await node.call(command, '/x', '{}')).toEqual({ status: 'Not supported', message: '' })
    },
  )

  test('nothing at all is not supported', async () => {
    expect(await (await nodeInMemory()).call()).toEqual({ status: 'Not supported', message: '' })
  })

  test.each([
    ['mount without a directory', ['mount'], 'USAGE'],
    ['mount without options', ['mount', MOUNT_DIR], 'USAGE'],
    ['unmount without a directory', ['unmount'], 'USAGE'],
    ['mount on a path of no pod', ['mount', '/etc', mountOptions()], 'MOUNT_DIR_INVALID'],
    ['unmount of a path of no pod', ['unmount', '/etc'], 'MOUNT_DIR_INVALID'],
    ['mount with options that are no json', ['mount', MOUNT_DIR, 'x'], 'OPTIONS_INVALID'],
    ['mount with the uid of another pod', ['mount', MOUNT_DIR, mountOptions({ 'kubernetes.io/pod.uid': POD_UID.replace('c', 'd') })], 'POD_UID_MISMATCH'],
  ])('%s fails and touches nothing (W14)', async (_name, argv, code) => {
    const node = await nodeInMemory()
    const before = node.machine.snapshot()
    expect(await node.call(...argv)).toEqual(failing(code))
    expect(node.machine.snapshot()).toEqual(before)
  })
})

describe('mount', () => {
  test('makes the tree as it is agreed, readable without root, and shows its pod side read-only (W3, W13)', async () => {
    const node = await nodeInMemory()
    expect(await node.mount()).toEqual(SUCCESS)
    const [handle = '', ...rest] = await node.volumes()
    expect(isHandle(handle)).toBe(true)
    expect(rest).toEqual([])
    const root = `${VOLUMES}/${handle}`
    expect(JSON.parse(await node.text(`${root}/data.json`))).toEqual({
      namespace: 'default',
      name: 'flexpod',
      uid: POD_UID,
      serviceAccount: 'wl',
      mountDir: MOUNT_DIR,
      createdAt: '2030-01-01T00:00:00.000Z',
    })
    const modes = ['', '/data.json', '/mount', '/mount/connect', '/mount/id'].map(async (at) => (await node.files.stat(root + at))?.mode)
    expect(await Promise.all(modes)).toEqual([0o750, 0o600, 0o755, 0o755, 0o444])
    expect(await node.files.stat(VOLUMES)).toMatchObject({ mode: 0o750 })
    expect(await node.text(`${MOUNT_DIR}/id`)).toBe(handle)
    expect(await node.mounts.under(MOUNT_DIR)).toEqual([{ target: MOUNT_DIR, root: `${root}/mount`, readOnly: true }])
    await expect(node.files.create(`${MOUNT_DIR}/x`, new Uint8Array(), 0o600)).rejects.toMatchObject({ code: 'HOST_DENIED' })
  })

  test('nothing of the state is seen by the pod', async () => {
    const node = await nodeInMemory()
    await node.mount()
    expect(await node.files.list(MOUNT_DIR)).toEqual(['connect', 'id'])
  })

  test.each([
    ['per-workload', 1],
    ['shared', 2],
  ])('mounts nothing below the volumes, which an agent that starts could hold on to: %s (W15)', async (isolation, mounts) => {
    const node = await nodeInMemory({ isolation })
    await node.mount()
    expect(await node.mounts.under(VOLUMES)).toEqual([])
    expect(await node.mounts.under('/')).toHaveLength(1 + mounts)
  })

  test('whoever declares the volume gets one of their own pod, whatever else they write into its options (W14, W15)', async () => {
    const node = await nodeInMemory()
    const theirs = { 'pod.uid': 'x', uid: POD_UID.replace('c', 'd'), mountDir: '/etc', handle: 'a'.repeat(43), volumesDir: '/etc' }
    expect(await node.mount(mountOptions(theirs))).toEqual(SUCCESS)
    const [handle = ''] = await node.volumes()
    expect(JSON.parse(await node.text(`${VOLUMES}/${handle}/data.json`))).toMatchObject({ uid: POD_UID, mountDir: MOUNT_DIR })
    const plain = await nodeInMemory()
    await plain.files.create('/var/athenz/handle.key', await node.files.read('/var/athenz/handle.key', 32), 0o600)
    await plain.mount()
    expect(await plain.volumes()).toEqual([handle])
  })

  test('again for the same pod and directory changes nothing (T35)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const before = node.machine.snapshot()
    await node.machine.clock.advance(60_000)
    expect(await node.mount()).toEqual(SUCCESS)
    expect(node.machine.snapshot()).toEqual(before)
  })

  test('again keeps the volume that a living pod sees, whatever the settings say now', async () => {
    const node = await nodeInMemory({ handle: 'original' })
    await node.mount()
    await node.files.unlink('/var/athenz/volume-driver.json')
    const before = await node.volumes()
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual(before)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([])
  })

  test('of a volume that is shown but not read-only shows the same volume read-only', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.create(`${VOLUMES}/${handle}/context.json`, new TextEncoder().encode('{}'), 0o600)
    for (const { target } of await node.mounts.under(MOUNT_DIR)) await node.mounts.unmount(target)
    await node.mounts.bind(`${VOLUMES}/${handle}/mount`, MOUNT_DIR, { readOnly: false })
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.mounts.under(MOUNT_DIR)).toMatchObject([{ readOnly: true }])
    expect(await node.text(`${VOLUMES}/${handle}/context.json`)).toBe('{}')
  })

  test('where writable volumes are allowed, what is done to the uppermost mount of one leaves the socket alone (W2, W3)', async () => {
    const node = await nodeInMemory({ writableVolumes: 'allow' })
    await node.mount(mountOptions({ 'kubernetes.io/readwrite': 'rw' }))
    const [over, top] = await node.mounts.under(MOUNT_DIR)
    expect(over).toMatchObject({ target: `${MOUNT_DIR}/connect`, readOnly: true })
    expect(top).toMatchObject({ target: MOUNT_DIR })
    await expect(node.files.create(`${MOUNT_DIR}/connect/agent.sock`, new Uint8Array(), 0o666)).rejects.toMatchObject({ code: 'HOST_DENIED' })
  })

  test.each([
    ['takes a mount away that nobody needs', 'ro', 1],
    ['puts back one that is lacking', 'rw', 2],
  ])('of a volume with another number of mounts %s', async (_what, readwrite, mounts) => {
    const node = await nodeInMemory({ writableVolumes: 'allow' })
    const options = mountOptions({ 'kubernetes.io/readwrite': readwrite })
    await node.mount(options)
    const volumes = await node.volumes()
    if (mounts === 2) await node.mounts.unmount(`${MOUNT_DIR}/connect`)
    else await node.mounts.bind(`${VOLUMES}/${volumes[0]}/mount/connect`, `${MOUNT_DIR}/connect`, { readOnly: true })
    expect(await node.mount(options)).toEqual(SUCCESS)
    expect(await node.mounts.under(MOUNT_DIR)).toHaveLength(mounts)
    expect(await node.volumes()).toEqual(volumes)
  })

  test('after a reboot begins anew: what was remembered of the identity is gone (W11, T35)', async () => {
    const node = await nodeInMemory()
    await node.mount()
    const [handle = ''] = await node.volumes()
    await node.files.create(`${VOLUMES}/${handle}/context.json`, new TextEncoder().encode('{}'), 0o600)
    node.machine.place(`${VOLUMES}/${handle}/mount/connect/agent.sock`, { kind: 'socket' })
    node.machine.reboot()
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.volumes()).toEqual([handle])
    expect(await node.files.list(`${VOLUMES}/${handle}`)).toEqual(['data.json', 'mount'])
    expect(await node.files.list(`${VOLUMES}/${handle}/mount/connect`)).toEqual([])
  })

  test('makes the mount directory when it is missing', async () => {
    const node = await nodeInMemory()
    await node.files.rmdir(MOUNT_DIR)
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.text(`${MOUNT_DIR}/id`)).toHaveLength(43)
  })

  test('into a root so long that no socket fits says by how much', async () => {
    const fits = `/${'v'.repeat(107 - 1 - 1 - 43 - '/mount/connect/agent.sock'.length)}`
    expect(await (await nodeInMemory({ volumesDir: fits })).mount()).toEqual(SUCCESS)
    const node = await nodeInMemory({ volumesDir: `${fits}vv` })
    const message = 'SOCKET_PATH_TOO_LONG: volumesDir is 2 bytes too long for the sockets below it'
    expect(await node.mount()).toEqual({ status: 'Failure', message })
    expect(await node.files.stat(`${fits}vv`)).toBeUndefined()
  })

  test.each([
    ['others may write to', { mode: 0o777 }],
    ['its group may write to', { mode: 0o770 }],
    ['somebody else owns', { uid: 1_000 }],
  ])('refuses a directory of volumes that %s, and undoes (T11)', async (_name, change) => {
    const node = await nodeInMemory()
    await node.files.mkdirs(VOLUMES, 0o750)
    node.machine.change(VOLUMES, change)
    expect(await node.mount()).toEqual(failing('VOLUMES_DIR_UNTRUSTED'))
    expect(await node.volumes()).toEqual([])
  })

  test('on a mount directory that is a symlink or a file fails (T10)', async () => {
    const node = await nodeInMemory()
    await node.files.rmdir(MOUNT_DIR)
    await node.files.symlink('/etc', MOUNT_DIR)
    expect(await node.mount()).toEqual(failing('MOUNT_DIR_INVALID'))
    await node.files.unlink(MOUNT_DIR)
    await node.files.create(MOUNT_DIR, new Uint8Array(), 0o600)
    expect(await node.mount()).toEqual(failing('HOST_WRONG_KIND'))
    expect(await node.volumes()).toEqual([])
  })

  test('two volumes of one pod live side by side, each for the same pod (W40)', async () => {
    const node = await nodeInMemory()
    const second = mountDirOf(KUBELET, POD_UID, 'second')
    await node.files.mkdirs(second, 0o750)
    await node.mount()
    expect(await node.call('mount', second, mountOptions())).toEqual(SUCCESS)
    expect(await node.volumes()).toHaveLength(2)
    expect(await node.unmount()).toEqual(SUCCESS)
    expect(await node.text(`${second}/id`)).toBe((await node.volumes())[0])
  })

  test.each([
    ['others may write to', { mode: 0o777 }],
    ['somebody else owns', { uid: 1_000 }],
  ])('refuses a directory of the agent that %s, before anything is shown (T11)', async (_name, change) => {
    const node = await nodeInMemory({ isolation: 'shared' })
    await node.files.mkdirs(AGENT, 0o755)
    node.machine.change(AGENT, change)
    expect(await node.mount()).toEqual(failing('AGENT_DIR_UNTRUSTED'))
    expect(await node.volumes()).toEqual([])
    expect(await node.mounts.under('/')).toHaveLength(1)
  })

  test('with the socket that pods share, again changes nothing, and a view that could be written to is replaced (W2, T35)', async () => {
    const node = await nodeInMemory({ isolation: 'shared' })
    await node.mount()
    const before = node.machine.snapshot()
    expect(await node.mount()).toEqual(SUCCESS)
    expect(node.machine.snapshot()).toEqual(before)
    await node.mounts.unmount(`${MOUNT_DIR}/connect`)
    await node.mounts.bind(AGENT, `${MOUNT_DIR}/connect`, { readOnly: false })
    expect(await node.mount()).toEqual(SUCCESS)
    expect((await node.mounts.under(MOUNT_DIR)).map(({ readOnly }) => readOnly)).toEqual([true, true])
  })
})
