import { REASONS } from '@pallas/identity'
import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createPodEventQueue, EVENT_EACH_MS, MOST_WAITING, PER_NODE, PER_POD, type PodEventQueue, type PodTrouble } from './pod-events.ts'

function open() {
  const clock = new FakeClock()
  let dropped = 0
  const queue = createPodEventQueue({ clock, onDropped: () => (dropped += 1) })
  return { clock, queue, dropped: () => dropped }
}

const denied = (other: Partial<PodTrouble> = {}): PodTrouble => ({ uid: 'u-1', reason: 'ISSUER_DENIED', trouble: 'not-issued', ...other })
const soon = (queue: PodEventQueue) => queue.next(AbortSignal.timeout(5_000))

test('an event says what happened, why in the words of the reason, and where the log has it', async () => {
  const { queue } = open()
  queue.tell(denied({ requestId: 'abc-1' }))
  expect(await soon(queue)).toEqual({
    uid: 'u-1',
    reason: 'ISSUER_DENIED',
    message: `no identity: ${REASONS.ISSUER_DENIED.doc} The agent's log has it as requestId abc-1.`,
  })
})

test('a loop of denials is one event in a while, and the next says how many there were', async () => {
  const { queue, clock } = open()
  for (let n = 0; n < 1_000; n++) queue.tell(denied())
  expect(queue.size).toBe(1)
  await soon(queue)
  await clock.advance(EVENT_EACH_MS)
  queue.tell(denied())
  expect((await soon(queue)).message).toContain('Happened 1000 times')
})

test('other reasons and other pods are told apart', () => {
  const { queue } = open()
  queue.tell(denied())
  queue.tell(denied({ reason: 'POD_ENDED' }))
  queue.tell(denied({ uid: 'u-2' }))
  expect(queue.size).toBe(3)
})

test('a pod that finds ever other reasons has its share, and takes none of the others', () => {
  const { queue, dropped } = open()
  const reasons = Object.keys(REASONS) as (keyof typeof REASONS)[]
  for (const reason of reasons) queue.tell(denied({ reason }))
  expect(queue.size).toBe(PER_POD.burst)
  expect(dropped()).toBe(reasons.length - PER_POD.burst)
  queue.tell(denied({ uid: 'u-2' }))
  expect(queue.size).toBe(PER_POD.burst + 1)
})

test('however many pods there are, so many events wait and no more, and the node has its pace', async () => {
  const { queue, dropped } = open()
  for (let n = 0; n < 5_000; n++) queue.tell(denied({ uid: `u-${n}` }))
  const most = Math.min(MOST_WAITING, PER_NODE.burst)
  expect(queue.size).toBe(most)
  expect(dropped()).toBe(5_000 - most)
  for (let n = 0; n < most; n++) await soon(queue)
  queue.tell(denied({ uid: 'late' }))
  expect(queue.size).toBe(0)
})

test('who asks first is told when something comes, and asking ends with its signal', async () => {
  const { queue } = open()
  const first = soon(queue)
  queue.tell(denied())
  expect((await first).uid).toBe('u-1')
  const stop = new AbortController()
  const second = queue.next(stop.signal)
  stop.abort(new Error('stopped'))
  await expect(second).rejects.toThrow('stopped')
  await expect(queue.next(stop.signal)).rejects.toThrow('stopped')
})

test('when nobody will ask, nothing is kept and nothing counts as dropped', () => {
  const { queue, dropped } = open()
  queue.tell(denied())
  queue.close()
  for (let n = 0; n < 300; n++) queue.tell(denied({ uid: `u-${n}` }))
  expect([queue.size, dropped()]).toEqual([0, 0])
})
