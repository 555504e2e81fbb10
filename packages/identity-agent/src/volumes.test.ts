import { setTimeout as sleep } from 'node:timers/promises'
import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aPod } from '@pallas/identity/testing'
import { eventually } from '@pallas/kubernetes/testing'
import { type Handle, isHandle } from '@pallas/wire'
import { expect, test } from 'vitest'
import { handleOf, makeVolume, removeVolume } from './testing/volume-tree.ts'
import { createVolumes } from './volumes.ts'

const NEVER_MS = 3_600_000
const podOf = (n: number) => aPod({ name: `pod-${n}`, uid: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` })

/** A tree that is looked at only when the kernel tells of a change, unless `pollMs` says more. */
async function open({ pollMs = NEVER_MS }: { readonly pollMs?: number } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'volumes-'))
  const dir = join(root, 'v')
  mkdirSync(dir, { mode: 0o755 })
  const told: string[] = []
  const served = new Set<Handle>()
  const wrong: string[] = []
  const volumes = createVolumes({
    dir,
    trust: { ownUid: process.getuid?.() ?? 0, unkeyedHandles: true },
    clock: { sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
    pollMs,
    onAppear: async ({ handle }) => {
      if (served.has(handle)) wrong.push(`twice +${handle}`)
      served.add(handle)
      told.push(`+${handle}`)
    },
    onVanish: async ({ handle }) => {
      if (!served.delete(handle)) wrong.push(`twice -${handle}`)
      told.push(`-${handle}`)
    },
    onUntrusted: (handle) => void wrong.push(`!${handle}`),
  })
  await volumes.start()
  const there = () => readdirSync(dir).filter(isHandle).toSorted()
  return {
    dir,
    volumes,
    told,
    wrong,
    there,
    make: (n: number) => makeVolume(dir, podOf(n), Date.now()),
    served: () => [...served].toSorted(),
    [Symbol.asyncDispose]: async () => {
      await volumes[Symbol.asyncDispose]()
      await rm(root, { recursive: true })
    },
  }
}

test('a volume is known by the news of its coming, and forgotten by that of its going, before any poll', async () => {
  await using it = await open()
  const [first, second] = [it.make(1), it.make(2)]
  await eventually(() => (it.volumes.size === 2 ? true : undefined))
  removeVolume(it.dir, first)
  await eventually(() => (it.volumes.get(first) === undefined ? true : undefined))
  expect([it.served(), it.volumes.all().map(({ handle }) => handle)]).toEqual([[second], [second]])
})

test('volumes that come, go and come again while others do are in the end those that are there', async () => {
  await using it = await open()
  const pods = Array.from({ length: 40 }, (_, n) => n)
  for (let round = 0; round < 12; round++) {
    for (const n of pods) {
      const isThere = it.there().includes(handleOf(podOf(n)))
      // Another third of them each time.
      if ((n + round) % 3 === 0 && isThere) removeVolume(it.dir, handleOf(podOf(n)))
      else if (!isThere) it.make(n)
      if (n % 7 === 0) await sleep(1)
    }
  }
  await eventually(() => (it.served().join() === it.there().join() ? true : undefined))
  expect(it.there().length).toBeGreaterThan(20)
  expect(it.volumes.all().map(({ handle }) => handle).toSorted()).toEqual(it.there())
  expect([it.wrong, it.volumes.problem()]).toEqual([[], undefined])
})

test('one that was made anew under the same handle is another volume', async () => {
  await using it = await open()
  const handle = it.make(1)
  const before = await eventually(() => it.volumes.get(handle)?.incarnation)
  removeVolume(it.dir, handle)
  it.make(1)
  await eventually(() => {
    const now = it.volumes.get(handle)?.incarnation
    return now === undefined || now === before ? undefined : now
  })
  expect(it.told).toEqual([`+${handle}`, `-${handle}`, `+${handle}`])
})

test('whatever the kernel did not tell is found by the poll', async () => {
  await using it = await open({ pollMs: 50 })
  // Who watches the directory that was hears nothing of the one that has taken its place.
  await rm(it.dir, { recursive: true })
  mkdirSync(it.dir, { mode: 0o755 })
  const handle = it.make(1)
  await eventually(() => it.volumes.get(handle))
  await rm(it.dir, { recursive: true })
  mkdirSync(it.dir, { mode: 0o755 })
  await eventually(() => (it.volumes.size === 0 ? true : undefined))
})

test('nothing of a tree that others may write to is believed, by the news of a volume either (T11)', async () => {
  await using it = await open({ pollMs: 50 })
  expect(it.volumes.problem()).toBeUndefined()
  chmodSync(it.dir, 0o777)
  await eventually(() => it.volumes.problem())
  it.make(1)
  await sleep(100)
  expect(it.volumes.problem()).toContain('cannot be read')
  expect(it.volumes.size).toBe(0)
  chmodSync(it.dir, 0o755)
  await eventually(() => (it.volumes.problem() === undefined && it.volumes.size === 1 ? true : undefined))
})
