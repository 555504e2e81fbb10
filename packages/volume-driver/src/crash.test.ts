/** Every call may fail, and the process may end at every call: the next one finds its way. */
import { describe, expect, test } from 'vitest'
import { mountOptions } from './testing/kubelet-calls.ts'
import { AGENT, callDriver, MOUNT_DIR, nodeInMemory, VOLUMES } from './testing/node-in-memory.ts'

type Node = Awaited<ReturnType<typeof nodeInMemory>>

const MOUNT = ['mount', MOUNT_DIR, mountOptions()]
const UNMOUNT = ['unmount', MOUNT_DIR]
/** The agent's directory over the volume. */
const SHARED = [
  { target: `${MOUNT_DIR}/connect`, root: AGENT, readOnly: true },
  { target: MOUNT_DIR, readOnly: true },
]
const MOUNTERS = [
  ['by bind', { mounter: 'bind' }],
  ['by link', { mounter: 'link' }],
  ['by bind, with the socket that pods share', { isolation: 'shared' }],
] as const

/** What a loss of power leaves of a tree that was not synced: any of it, and files that are empty. */
const FILES = ['whole', 'empty', 'gone'] as const
const DIRECTORIES = ['none', 'mount/connect', 'mount'] as const
const LOSSES = FILES.flatMap((id) => FILES.flatMap((data) => DIRECTORIES.map((missing) => ({ id, data, missing })))).filter(
  ({ id, missing }) => missing !== 'mount' || id === 'gone',
)

async function lose({ files }: Node, tree: string, { id, data, missing }: (typeof LOSSES)[number]): Promise<void> {
  for (const [path, state] of [['mount/id', id], ['data.json', data]] as const) {
    if (state === 'whole') continue
    await files.unlink(`${tree}/${path}`)
    if (state === 'empty') await files.create(`${tree}/${path}`, new Uint8Array(), 0o600)
  }
  if (missing !== 'none') await files.rmdir(`${tree}/mount/connect`)
  if (missing === 'mount') await files.rmdir(`${tree}/mount`)
}

/** How many calls through the door one run takes. */
async function stepsOf(prepare: () => Promise<Node>, argv: readonly string[]): Promise<number> {
  const host = (await prepare()).machine.open()
  expect(await callDriver(host, argv)).toMatchObject({ status: 'Success' })
  return host.faults.steps.length
}

async function eachStep(
  prepare: () => Promise<Node>,
  argv: readonly string[],
  check: (node: Node, step: number) => Promise<void>,
): Promise<void> {
  const steps = await stepsOf(prepare, argv)
  expect(steps).toBeGreaterThan(5)
  for (let step = 1; step <= steps; step++) await check(await prepare(), step)
}

async function expectMounted(node: Node): Promise<void> {
  const volumes = await node.volumes()
  expect(volumes).toHaveLength(1)
  expect(await node.text(`${MOUNT_DIR}/id`)).toBe(volumes[0])
  expect(await node.files.list(`${VOLUMES}/${volumes[0]}`)).toEqual(['data.json', 'mount'])
}

async function expectNothing(node: Node): Promise<void> {
  expect(await node.volumes()).toEqual([])
  expect(await node.mounts.under('/')).toHaveLength(1)
}

describe.each(MOUNTERS)('%s', (_how, settings) => {
  const isShared = 'isolation' in settings
  const fresh = async () => {
    const node = await nodeInMemory(settings)
    // The key outlives every volume, and is tried by its own tests.
    await node.mount()
    await node.unmount()
    await node.files.mkdirs(MOUNT_DIR, 0o750)
    return node
  }
  const expectWhole = async (node: Node) => {
    await expectMounted(node)
    if (isShared) expect(await node.mounts.under(MOUNT_DIR)).toMatchObject(SHARED)
  }
  const mounted = async () => {
    const node = await fresh()
    await node.mount()
    return node
  }

  test('a mount that fails at any step leaves nothing behind, or has succeeded (W11, T12)', async () => {
    let failures = 0
    await eachStep(fresh, MOUNT, async (node, step) => {
      const before = node.machine.snapshot()
      const failing = node.machine.open()
      failing.faults.failAt(step)
      const { status } = await callDriver(failing, MOUNT)
      if (status === 'Success') return await expectWhole(node)
      failures++
      expect(node.machine.snapshot()).toEqual(before)
      expect(await node.mount()).toMatchObject({ status: 'Success' })
      await expectWhole(node)
    })
    expect(failures).toBeGreaterThan(10)
  })

  test('a mount whose process ends at any step is finished by the next (T13)', async () => {
    await eachStep(fresh, MOUNT, async (node, step) => {
      const dying = node.machine.open()
      dying.faults.crashAt(step)
      await callDriver(dying, MOUNT)
      expect(await node.mount()).toMatchObject({ status: 'Success' })
      await expectWhole(node)
    })
  })

  test('a mount whose process ends at any step is taken away by an unmount (T13)', async () => {
    await eachStep(fresh, MOUNT, async (node, step) => {
      const dying = node.machine.open()
      dying.faults.crashAt(step)
      await callDriver(dying, MOUNT)
      expect(await node.unmount()).toMatchObject({ status: 'Success' })
      await expectNothing(node)
    })
  })

  test('an unmount that fails or whose process ends at any step is finished by the next (W9, T13)', async () => {
    for (const fault of ['failAt', 'crashAt'] as const) {
      await eachStep(mounted, UNMOUNT, async (node, step) => {
        const failing = node.machine.open()
        failing.faults[fault](step)
        await callDriver(failing, UNMOUNT)
        expect(await node.unmount()).toMatchObject({ status: 'Success' })
        await expectNothing(node)
      })
    }
  })

  test('at no step is there a volume that is not whole (T13)', async () => {
    await eachStep(fresh, MOUNT, async (node, step) => {
      const dying = node.machine.open()
      dying.faults.crashAt(step)
      await callDriver(dying, MOUNT)
      for (const name of (await node.volumes()).filter((each) => !each.startsWith('.'))) {
        expect(await node.text(`${VOLUMES}/${name}/mount/id`)).toBe(name)
        expect(JSON.parse(await node.text(`${VOLUMES}/${name}/data.json`))).toMatchObject({ mountDir: MOUNT_DIR })
      }
    })
  })

  test.each(LOSSES)('after a loss of power (id $id, data $data, missing: $missing) the next mount makes the tree whole, and an unmount takes it away (T13)', async (loss) => {
    const afterLoss = async () => {
      const node = await mounted()
      node.machine.reboot()
      const [name] = await node.volumes()
      await lose(node, `${VOLUMES}/${name}`, loss)
      return node
    }
    const again = await afterLoss()
    expect(await again.mount()).toMatchObject({ status: 'Success' })
    await expectWhole(again)
    const gone = await afterLoss()
    expect(await gone.unmount()).toMatchObject({ status: 'Success' })
    await expectNothing(gone)
  })

  test('a tree that says another pod is its own, as an old block of the disk may, is made anew by the next mount (T13)', async () => {
    const node = await mounted()
    const [name] = await node.volumes()
    const data = `${VOLUMES}/${name}/data.json`
    const said = await node.text(data)
    node.machine.reboot()
    await node.files.unlink(data)
    await node.files.create(data, new TextEncoder().encode(said.replace(MOUNT_DIR, `${MOUNT_DIR}-other`)), 0o600)
    expect(await node.mount()).toMatchObject({ status: 'Success' })
    await expectWhole(node)
    expect(await node.text(data)).not.toContain(`${MOUNT_DIR}-other`)
  })

  test('wherever a mount ends, nothing that is seen can be written to (W2, W3, T13)', async () => {
    await eachStep(fresh, MOUNT, async (node, step) => {
      const dying = node.machine.open()
      dying.faults.crashAt(step)
      await callDriver(dying, MOUNT)
      for (const { readOnly } of await node.mounts.under(MOUNT_DIR)) expect(readOnly).toBe(true)
      await node.mount()
      for (const { readOnly } of await node.mounts.under(MOUNT_DIR)) expect(readOnly).toBe(true)
    })
  })
})

test('leftovers of a pod that never comes back are swept by the call for another, and the agent keeps its directory (W40)', async () => {
  const node = await nodeInMemory()
  await node.files.mkdirs(`${VOLUMES}/.removed-x/mount/connect`, 0o755)
  await node.files.mkdirs(`${VOLUMES}/.${'a'.repeat(43)}`, 0o755)
  await node.files.create(`${VOLUMES}/.stray`, new Uint8Array(), 0o600)
  await node.files.mkdirs(`${VOLUMES}/.sockets`, 0o700)
  expect(await node.mount()).toMatchObject({ status: 'Success' })
  const left = (await node.volumes()).filter((name) => name.startsWith('.'))
  expect(left).toEqual(['.sockets', '.stray'])
})

test('leftovers with a mount or a symlink in them are not swept through (W10, T10)', async () => {
  const node = await nodeInMemory()
  await node.files.mkdirs('/precious/connect', 0o755)
  await node.files.create('/precious/id', new Uint8Array(), 0o600)
  await node.files.mkdirs(`${VOLUMES}/.removed-a/mount`, 0o755)
  await node.mounts.bind('/precious', `${VOLUMES}/.removed-a/mount`, { readOnly: false })
  await node.files.mkdirs(`${VOLUMES}/.removed-b`, 0o755)
  await node.files.symlink('/precious', `${VOLUMES}/.removed-b/mount`)
  expect(await node.mount()).toMatchObject({ status: 'Success' })
  expect(await node.files.list('/precious')).toEqual(['connect', 'id'])
})
