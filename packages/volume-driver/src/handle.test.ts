import { MemoryMachine } from '@pallas/host/testing'
import { nodeHost } from '@pallas/linux'
import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { handleOf } from './handle.ts'

const KEY_FILE = '/var/athenz/handle.key'
const keyed = { handle: 'keyed', handleKeyFile: KEY_FILE } as const
const machine = () => new MemoryMachine({ keys: nodeHost().keys })
const key = Uint8Array.from({ length: 32 }, (_, index) => index)

async function withKey(bytes: Uint8Array = key, mode = 0o600) {
  const it = machine()
  const host = it.open()
  await host.files.mkdirs('/var/athenz', 0o755)
  await host.files.create(KEY_FILE, bytes, mode)
  return { it, host }
}

test('the original form is the SHA-256 of the mount directory in base64url (C3)', async () => {
  const handle = await handleOf('/a/b', { ...keyed, handle: 'original' }, machine().open())
  expect(handle).toBe(createHash('sha256').update('/a/b').digest('base64url'))
  expect(handle).toHaveLength(43)
})

test('the keyed form is the HMAC-SHA256 of the mount directory under the key of the host (W4, T02)', async () => {
  const { host } = await withKey()
  expect(await handleOf('/a/b', keyed, host)).toBe(createHmac('sha256', key).update('/a/b').digest('base64url'))
})

test('the key is made once, 32 bytes for its owner alone, and nothing is left beside it', async () => {
  const host = machine().open()
  const first = await handleOf('/a/b', keyed, host)
  expect(await host.files.stat(KEY_FILE)).toMatchObject({ kind: 'file', mode: 0o600, size: 32 })
  expect(await host.files.list('/var/athenz')).toEqual(['handle.key'])
  expect(await handleOf('/a/b', keyed, host)).toBe(first)
  expect(await handleOf('/a/b', keyed, machine().open())).not.toBe(first)
})

test('many who make the key at once agree on it', async () => {
  const it = machine()
  const handles = await Promise.all(Array.from({ length: 20 }, () => handleOf('/a/b', keyed, it.open())))
  expect(new Set(handles).size).toBe(1)
  expect(await it.open().files.list('/var/athenz')).toEqual(['handle.key'])
})

test('wherever the making of the key ends, the next maker finishes it and cleans up (T13)', async () => {
  for (let step = 1; ; step++) {
    const it = machine()
    const dying = it.open()
    dying.faults.crashAt(step)
    const died = await handleOf('/a/b', keyed, dying).then(() => false, () => true)
    if (!died) break
    const handle = await handleOf('/a/b', keyed, it.open())
    expect(await handleOf('/a/b', keyed, it.open())).toBe(handle)
    const left = (await it.open().files.list('/var/athenz')).filter((name) => name !== 'handle.key')
    // Two at most: made, linked, and ended before the sweep; it is the same file then.
    expect(left.length).toBeLessThanOrEqual(1)
  }
})

test.each([
  ['too short', key.subarray(1), 0o600],
  ['too long', Uint8Array.from([...key, 1]), 0o600],
  ['readable by its group', key, 0o640],
  ['readable by all', key, 0o644],
])('a key that is %s is refused and not replaced', async (_name, bytes, mode) => {
  const { host } = await withKey(bytes, mode)
  const before = host.machine.snapshot()
  await expect(handleOf('/a/b', keyed, host)).rejects.toMatchObject({ code: expect.stringMatching(/^(HANDLE_KEY_UNTRUSTED|HOST_TOO_LARGE)$/) })
  expect(host.machine.snapshot()).toEqual(before)
})

test('a key of somebody else, and a symlink in its place, are refused', async () => {
  const { it, host } = await withKey()
  it.change(KEY_FILE, { uid: 1_000 })
  await expect(handleOf('/a/b', keyed, host)).rejects.toMatchObject({ code: 'HANDLE_KEY_UNTRUSTED' })
  await host.files.unlink(KEY_FILE)
  await host.files.symlink('/elsewhere', KEY_FILE)
  await expect(handleOf('/a/b', keyed, host)).rejects.toMatchObject({ code: 'HANDLE_KEY_UNTRUSTED' })
})
