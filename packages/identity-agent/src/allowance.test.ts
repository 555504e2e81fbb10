import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createAllowance } from './allowance.ts'

function fresh() {
  const clock = new FakeClock()
  const allowance = createAllowance({
    clock,
    limits: {
      connections: 2,
      shared: 100,
      connecting: { burst: 6, refillMs: 100 },
      requests: 2,
      requesting: { burst: 5, refillMs: 200 },
      cutOffMs: 1_000,
    },
  })
  return { clock, allowance }
}

function connection() {
  const it = { cut: false, destroy: () => void (it.cut = true) }
  return it
}

const BUSY = (retryAfterMs: number) => expect.objectContaining({ code: 'BUSY', retryAfterMs })

test('a caller has so many requests at a time, and others have theirs (W22)', () => {
  const { allowance } = fresh()
  const [first] = [allowance.enter('a'), allowance.enter('a')]
  expect(() => allowance.enter('a')).toThrow(BUSY(1_000))
  allowance.enter('b')
  first.end()
  allowance.enter('a')
})

test('a caller has so many requests in a row, then one per refill (W22)', async () => {
  const { clock, allowance } = fresh()
  for (let n = 0; n < 5; n++) allowance.enter('a').end()
  expect(() => allowance.enter('a')).toThrow(BUSY(200))
  allowance.enter('b').end()
  await clock.advance(200)
  allowance.enter('a').end()
  expect(() => allowance.enter('a')).toThrow(BUSY(200))
})

test('a request whose caller has gone counts as long as its work goes on', async () => {
  const { allowance } = fresh()
  const gate = Promise.withResolvers<void>()
  const visits = [allowance.enter('a'), allowance.enter('a')]
  const work = visits.map((it) => it.during(() => gate.promise))
  for (const visit of visits) {
    visit.end()
    visit.end()
  }
  expect(() => allowance.enter('a')).toThrow(BUSY(1_000))
  gate.resolve()
  await Promise.all(work)
  allowance.enter('a')
})

test('work that fails ends its request too', async () => {
  const { allowance } = fresh()
  const visit = allowance.enter('a')
  await expect(visit.during(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  visit.end()
  expect(allowance.size).toBe(0)
})

test('a caller has so many connections at a time, and others have theirs (W22)', () => {
  const { allowance } = fresh()
  const [one, two, three] = [connection(), connection(), connection()]
  expect([one, two, three].map((it) => allowance.joined('a', it))).toEqual([true, true, false])
  expect(allowance.joined('b', three)).toBe(true)
  allowance.left('a', three)
  expect(allowance.joined('a', three)).toBe(false)
  allowance.left('a', one)
  expect(allowance.joined('a', three)).toBe(true)
})

test('who connects too often loses all connections and is kept out for a while (W22)', async () => {
  const { clock, allowance } = fresh()
  const kept = connection()
  allowance.joined('a', kept)
  for (let n = 0; n < 5; n++) {
    const it = connection()
    expect(allowance.joined('a', it)).toBe(true)
    allowance.left('a', it)
  }
  expect(allowance.joined('a', connection())).toBe(false)
  expect(kept.cut).toBe(true)
  allowance.left('a', kept)
  expect(allowance.keptOutFor('a')).toBe(1_000)
  expect(allowance.joined('b', connection())).toBe(true)
  await clock.advance(999)
  expect(allowance.joined('a', connection())).toBe(false)
  await clock.advance(1)
  expect(allowance.joined('a', connection())).toBe(true)
})

test('nothing is held of callers that have gone (T39)', async () => {
  const { clock, allowance } = fresh()
  for (let n = 0; n < 100; n++) {
    const it = connection()
    allowance.joined(`${n}`, it)
    allowance.enter(`${n}`).end()
    allowance.cutOff(`${n}`)
    allowance.left(`${n}`, it)
  }
  await clock.advance(1_000)
  allowance.cutOff('the last')
  expect(allowance.size).toBe(1)
})
