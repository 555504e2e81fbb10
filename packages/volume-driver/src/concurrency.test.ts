import { HostError } from '@pallas/host'
import { describe, expect, test } from 'vitest'
import { mountDirOf, mountOptions } from './testing/kubelet-calls.ts'
import { callDriver, KUBELET, MOUNT_DIR, nodeInMemory, VOLUMES } from './testing/node-in-memory.ts'

/** Lets the clock run until all have answered: whoever waits for its turn waits on it. */
async function whileTimePasses<T>(
  { machine: { clock } }: Awaited<ReturnType<typeof nodeInMemory>>,
  calls: readonly Promise<T>[],
): Promise<readonly T[]> {
  const waiting = new Set(calls)
  for (const call of calls) void call.finally(() => waiting.delete(call))
  while (waiting.size > 0) await clock.advance(10)
  return await Promise.all(calls)
}

/** Processes that overtake each other, in another way for each seed and in the same way for the same. */
function unevenPace(seed: number): () => Promise<void> {
  let state = seed + 1
  return async () => {
    state = (state * 48_271) % 2_147_483_647
    for (let turns = state % 7; turns > 0; turns--) await Promise.resolve()
  }
}

const SUCCESS = { status: 'Success', message: '' }

describe('at once', () => {
  test('many mounts of one directory make one volume, mounted once (T35)', async () => {
    const node = await nodeInMemory()
    const answers = await whileTimePasses(node, Array.from({ length: 8 }, () => node.mount()))
    expect(answers).toEqual(Array.from({ length: 8 }, () => SUCCESS))
    expect(await node.volumes()).toHaveLength(1)
    expect(await node.mounts.under(MOUNT_DIR)).toHaveLength(1)
  })

  test('mounts and unmounts of one directory end as one of them would alone', async () => {
    for (let round = 0; round < 60; round++) {
      const node = await nodeInMemory(undefined, unevenPace(round))
      const calls = Array.from({ length: 6 }, (_, index) => ((index + round) % 2 === 0 ? node.mount() : node.unmount()))
      expect(await whileTimePasses(node, calls)).toEqual(calls.map(() => SUCCESS))
      const volumes = await node.volumes()
      const mounts = await node.mounts.under(MOUNT_DIR)
      expect(volumes.length).toBeLessThanOrEqual(1)
      expect(mounts.length).toBe(volumes.length)
      expect(await node.unmount()).toEqual(SUCCESS)
      expect(await node.volumes()).toEqual([])
    }
  })

  test('mounts of many pods on a new host all succeed and share one handle key', async () => {
    const node = await nodeInMemory(undefined, unevenPace(7))
    await node.files.mkdirs(`${VOLUMES}/.left-behind`, 0o750)
    const pods = Array.from({ length: 25 }, (_, index) => `cdff1eb7-31ba-4953-8812-3550160000${index + 10}`)
    for (const uid of pods) await node.files.mkdirs(mountDirOf(KUBELET, uid), 0o750)
    const mount = (uid: string) => node.call('mount', mountDirOf(KUBELET, uid), mountOptions({ 'kubernetes.io/pod.uid': uid }))
    expect(await whileTimePasses(node, pods.map(mount))).toEqual(pods.map(() => SUCCESS))
    expect(await node.volumes()).toHaveLength(25)
    expect(await node.files.list('/var/athenz')).toEqual(['handle.key', 'volumes'])
    const unmount = (uid: string) => node.call('unmount', mountDirOf(KUBELET, uid))
    expect(await whileTimePasses(node, pods.map(unmount))).toEqual(pods.map(() => SUCCESS))
    expect(await node.volumes()).toEqual([])
  })

  test('what one call is building is not swept by another', async () => {
    const node = await nodeInMemory()
    await node.files.mkdirs(VOLUMES, 0o750)
    await node.files.mkdirs(`${VOLUMES}/.building`, 0o750)
    await using _builder = await node.machine.open().files.tryLock(VOLUMES, 'shared')
    expect(await node.mount()).toEqual(SUCCESS)
    expect(await node.volumes()).toContain('.building')
  })
})

describe('the deadline', () => {
  test('ends the wait for a turn that never comes, and nothing has been done', async () => {
    const node = await nodeInMemory()
    const parent = MOUNT_DIR.slice(0, MOUNT_DIR.lastIndexOf('/'))
    await using _other = await node.machine.open().files.tryLock(parent, 'exclusive')
    const [answer] = await whileTimePasses(node, [node.mount()])
    expect(answer).toEqual({ status: 'Failure', message: 'VOLUME_TIMEOUT: the volume was not done in time' })
    expect(await node.mounts.under(MOUNT_DIR)).toEqual([])
    expect(await node.volumes()).toEqual([])
  })

  test('gives an answer even when a call of the host never returns', async () => {
    const node = await nodeInMemory()
    const host = node.machine.open()
    const hanging = { ...host, files: { ...host.files, mkdir: () => new Promise<never>(() => undefined) } }
    const [answer] = await whileTimePasses(node, [callDriver(hanging, ['mount', MOUNT_DIR, mountOptions()])])
    expect(answer).toMatchObject({ status: 'Failure', message: expect.stringMatching(/^VOLUME_TIMEOUT/) })
  })

  test('that passes while the volume is built lets it be undone before the answer', async () => {
    const node = await nodeInMemory()
    const host = node.machine.open()
    const slow = async (path: string, mode: number) => {
      if (path.endsWith('/mount')) await node.machine.clock.sleep(21_000)
      return host.files.mkdir(path, mode)
    }
    const hanging = { ...host, files: { ...host.files, mkdir: slow } }
    const before = await node.volumes()
    const [answer] = await whileTimePasses(node, [callDriver(hanging, ['mount', MOUNT_DIR, mountOptions()])])
    expect(answer).toMatchObject({ status: 'Failure', message: expect.stringMatching(/^VOLUME_TIMEOUT/) })
    expect(await node.mounts.under(MOUNT_DIR)).toEqual([])
    expect(await node.volumes()).toEqual(before)
  })

  test('does not come when told to stop before', async () => {
    const node = await nodeInMemory()
    const stop = new AbortController()
    stop.abort()
    const argv = ['mount', MOUNT_DIR, mountOptions()]
    const answer = await callDriver(node.machine.open(), argv, stop.signal)
    expect(answer).toEqual({ status: 'Failure', message: 'INTERRUPTED: the driver was told to stop' })
    expect(node.machine.clock.sleeping).toBe(0)
  })
})

describe('an answer', () => {
  test('names what the kernel said and never a path, a handle or an option', async () => {
    const node = await nodeInMemory()
    const host = node.machine.open()
    host.faults.failWhen(({ call }) =>
      call === 'mounts.bind' ? new HostError('HOST_DENIED', 'the kernel refused', { path: '/secret', call: 'mount', errno: 'EPERM' }) : undefined,
    )
    const answer = await callDriver(host, ['mount', MOUNT_DIR, mountOptions()])
    expect(answer).toEqual({ status: 'Failure', message: 'HOST_DENIED: the kernel refused (mount EPERM)' })
  })

  test('tells nothing of an error that nobody foresaw', async () => {
    const node = await nodeInMemory()
    const host = node.machine.open()
    host.faults.failWhen(({ call }) => (call === 'files.rename' ? new TypeError('secret of undefined') : undefined))
    const answer = await callDriver(host, ['mount', MOUNT_DIR, mountOptions()])
    expect(answer).toEqual({ status: 'Failure', message: 'INTERNAL: the driver broke' })
  })
})
