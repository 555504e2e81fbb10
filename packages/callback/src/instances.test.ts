import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { ZtsError } from '@pallas/zts'
import { describe, expect, test } from 'vitest'
import { aWatch, aWorld, pod, recordOf } from './testing/instances-world.ts'

describe('an instance', () => {
  test('is recorded before it is vouched for, once', async () => {
    const { open, stored, faults } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    expect([...stored.values()]).toEqual([recordOf(pod)])
    faults.api = true
    await instances.record(recordOf(pod))
    expect(await instances.isRecorded(pod.uid)).toBe(true)
  })

  test('that cannot be recorded is told so', async () => {
    const { open, faults } = aWorld()
    await using instances = open()
    faults.api = true
    await expect(instances.record(recordOf(pod))).rejects.toMatchObject({ code: 'API_UNAVAILABLE' })
    expect(instances.count().known).toBe(0)
  })

  test.each<[string, Pod[]]>([
    ['is gone', []],
    ['has succeeded', [aPod({ phase: 'Succeeded' })]],
    ['has failed', [aPod({ phase: 'Failed' })]],
    ['was followed by another of its name', [aPod({ uid: '11111111-2222-3333-4444-555555555555' })]],
  ])('is deleted at zts within a minute when its pod %s', async (_name, pods) => {
    const { open, clock, show, stored, deleted, metrics } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    await clock.advance(600_000)
    expect(deleted).toEqual([])

    show(...pods)
    await clock.advance(60_000)
    expect(deleted).toEqual([recordOf(pod)])
    expect(stored.size).toBe(0)
    expect(instances.count()).toEqual({ known: 0, ending: 0 })
    expect(await metrics.value('instance_deletions_total', { result: 'deleted' })).toBe(1)
  })

  test.each<[string, Pod]>([
    ['is terminating', aPod({ deleting: true })],
    ['is unknown to its kubelet', aPod({ phase: 'Unknown' })],
  ])('is kept while its pod %s', async (_name, shown) => {
    const { open, clock, show, deleted } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    show(shown)
    await clock.advance(600_000)
    expect(deleted).toEqual([])
  })

  test('is not deleted on the word of a watch that lags: the API server decides', async () => {
    const { open, clock, seen, deleted } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    seen.show()
    await clock.advance(600_000)
    expect(deleted).toEqual([])
  })

  test('gets time to arrive at zts before it is deleted there', async () => {
    const { open, clock, show, deleted } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    show()
    await clock.advance(20_000)
    expect(deleted).toEqual([])
  })

  test('is not doubted before the watch has seen the whole cluster', async () => {
    const { open, clock, show, faults, deleted } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    show()
    faults.synced = false
    await clock.advance(600_000)
    expect(deleted).toEqual([])
    faults.synced = true
    await clock.advance(60_000)
    expect(deleted).toHaveLength(1)
  })
})

describe('two replicas', () => {
  test('delete an instance once, whoever is first', async () => {
    const { open, clock, show, store, deleted } = aWorld()
    store(recordOf(pod))
    await using one = open()
    await using two = open()
    await clock.advance(1_000)
    show()
    clock.willDraw(0, 1)
    await clock.advance(60_000)
    expect(deleted).toEqual([recordOf(pod)])
    expect([one.count(), two.count()]).toEqual([{ known: 0, ending: 0 }, { known: 0, ending: 0 }])
  })
})

describe('an outage', () => {
  test.each<[string, (faults: ReturnType<typeof aWorld>['faults']) => void]>([
    ['zts is away', (faults) => void (faults.zts = new ZtsError('ZTS_UNREACHABLE', 'away'))],
    ['zts refuses', (faults) => void (faults.zts = new ZtsError('ZTS_REFUSED', 'no', { status: 403 }))],
    ['the API server is away', (faults) => void (faults.api = true)],
  ])('delays the deletion, with fewer and fewer tries: %s', async (_name, breakIt) => {
    const { open, clock, show, stored, deleted, faults, metrics } = aWorld()
    await using instances = open()
    await instances.record(recordOf(pod))
    show()
    breakIt(faults)
    await clock.advance(3_600_000)
    expect(stored.size).toBe(1)
    expect(await metrics.value('instance_deletions_total', { result: 'failed' })).toBeLessThan(30)
    expect(instances.count()).toEqual({ known: 1, ending: 1 })

    faults.zts = undefined
    faults.api = false
    await clock.advance(300_000)
    expect(deleted).toEqual([recordOf(pod)])
    expect(stored.size).toBe(0)
  })

  test('of the callback is made up for at its next start', async () => {
    const { open, clock, show, stored, deleted } = aWorld()
    await (async () => {
      await using instances = open()
      await instances.record(recordOf(pod))
    })()
    show()
    await clock.advance(86_400_000)
    expect(stored.size).toBe(1)
    await using _again = open()
    await clock.advance(60_000)
    expect(deleted).toEqual([recordOf(pod)])
  })

  test('of another replica is made up for by those that are left, within a minute of the end of the pod', async () => {
    const { open, clock, show, store, deleted } = aWorld()
    await using _other = open()
    await clock.advance(1_000)
    store(recordOf(pod))
    show()
    await clock.advance(60_000)
    expect(deleted).toEqual([recordOf(pod)])
  })

  test('while the records are read at start is outlasted', async () => {
    const { open, clock, show, store, deleted, faults, logged } = aWorld()
    store(recordOf(pod))
    show()
    faults.api = true
    await using _instances = open()
    await clock.advance(60_000)
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'records of instances cannot be read' }),
    )
    faults.api = false
    await clock.advance(60_000)
    expect(deleted).toHaveLength(1)
  })
})

test('two hundred pods that end at once are all deleted within a minute', async () => {
  const { open, clock, show, deleted } = aWorld()
  await using instances = open()
  const pods = Array.from(
    { length: 200 },
    (_, index) => aPod({ name: `web-${index}`, uid: `4f14e5f4-0d7c-4c58-9c3a-${String(index).padStart(12, '0')}` }),
  )
  show(...pods)
  for (const it of pods) await instances.record(recordOf(it))
  show()
  await clock.advance(60_000)
  expect(new Set(deleted.map(({ instanceId }) => instanceId)).size).toBe(200)
})

describe('an ended pod is deleted at zts within sixty seconds by two replicas (T39)', () => {
  /** What the settings of the watch allow: 10 s of one watch call, and the grace of 10 s. */
  const UNNOTICED_MS = 20_000

  test.each([
    ['when all is well', 0, 'both'],
    ['when the one that vouched for it dies with it', 0, 'other'],
    ['when both watches were silently dead', UNNOTICED_MS, 'both'],
    ['when the one that vouched dies, and the watch of the other was silently dead', UNNOTICED_MS, 'other'],
    ['when both are restarted while it ends', 15_000, 'none'],
  ] as const)('%s', async (_name, gapMs, left) => {
    const { open, clock, cluster, stored, deleted } = aWorld()
    const [oneSees, otherSees] = [aWatch(pod), aWatch(pod)]
    const one = open(oneSees)
    const other = open(otherSees)
    await clock.advance(60_000)
    await one.record(recordOf(pod))
    if (left !== 'both') await one[Symbol.asyncDispose]()
    if (left === 'none') await other[Symbol.asyncDispose]()

    cluster.clear()
    await clock.advance(gapMs)
    for (const watch of [oneSees, otherSees]) watch.show()
    const again = left === 'none' ? [open(aWatch()), open(aWatch())] : []
    await clock.advance(60_000 - gapMs)
    expect(deleted).toEqual([recordOf(pod)])
    expect(stored.size).toBe(0)
    for (const it of [one, other, ...again]) await it[Symbol.asyncDispose]()
  })

  test('a pod that nobody vouched for costs one look at the records, and is forgotten', async () => {
    const { open, clock, show, deleted } = aWorld()
    await using instances = open()
    await clock.advance(60_000)
    show()
    await clock.advance(60_000)
    expect(deleted).toEqual([])
    expect(instances.count()).toEqual({ known: 0, ending: 0 })
  })
})
