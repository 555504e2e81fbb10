import { HostError } from '@pallas/host'
import { FakeClock } from '@pallas/host/testing'
import { IdentityError } from '@pallas/identity'
import { expect, test } from 'vitest'
import { type Due, DUE_NOW, keepFresh, type Renewable } from './keep-fresh.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const BEGUN = Date.parse('2030-01-01T00:00:00Z')

/** Due so long after the test began, of something that lives a day. */
const dueIn = (ms: number): Due => ({ serial: 'A1', at: BEGUN + ms, life: { notBefore: BEGUN, notAfter: BEGUN + 24 * HOUR } })
const never = () => Promise.resolve(dueIn(23 * HOUR))

interface Case {
  /** Undefined: there is nothing yet. */
  readonly firstIn: number | undefined
  readonly renew: (attempt: number) => Promise<Due>
  readonly outdated?: Renewable['outdated']
}

function start({ firstIn, renew, outdated }: Case) {
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const attempts: number[] = []
  const delays: number[] = []
  const stop = new AbortController()
  const thing: Renewable = {
    due: () => Promise.resolve(firstIn === undefined ? DUE_NOW : dueIn(firstIn)),
    renew: () => renew(attempts.push(clock.monotonic())),
    ...(outdated === undefined ? {} : { outdated }),
  }
  const deps = { clock, onFailure: (_error: unknown, delayMs: number) => void delays.push(delayMs) }
  const ended = keepFresh(thing, deps, stop.signal).catch((error: unknown) => error)
  const dispose = async () => {
    stop.abort()
    await ended
  }
  return { clock, attempts, delays, stop, ended, [Symbol.asyncDispose]: dispose }
}

test('each renewal names the time of the next, and two hours pass in milliseconds', async () => {
  await using it = start({ firstIn: 30 * MINUTE, renew: (attempt) => Promise.resolve(dueIn((30 + 40 * attempt) * MINUTE)) })
  await it.clock.advance(2 * HOUR)
  expect(it.attempts).toEqual([30 * MINUTE, 70 * MINUTE, 110 * MINUTE])
})

test('what is due already is renewed at once', async () => {
  await using it = start({ firstIn: -HOUR, renew: never })
  await it.clock.advance(0)
  expect(it.attempts).toEqual([0])
})

test('failures are tried again ever more slowly, and sooner again as life runs out, for as long as they last', async () => {
  await using it = start({ firstIn: 0, renew: () => Promise.reject(new HostError('HOST_UNREACHABLE', 'down')) })
  await it.clock.advance(HOUR)
  expect(it.delays.slice(0, 3)).toEqual([1_000, 2_000, 4_000])
  const slowest = Math.max(...it.delays)
  expect(slowest).toBeGreaterThan(10 * MINUTE)
  expect(slowest).toBeLessThanOrEqual(HOUR / 2)
  await it.clock.advance(23 * HOUR)
  expect(it.delays.at(-1)).toBeLessThanOrEqual(MINUTE)
})

test('nothing that serves: tried again every half minute or so, for ever', async () => {
  await using it = start({ firstIn: undefined, renew: () => Promise.reject(new HostError('HOST_UNREACHABLE', 'down')) })
  await it.clock.advance(HOUR)
  expect(it.delays.at(-1)).toBe(30_000)
})

test.each([
  ['a refusal is asked again a minute later at the soonest', new IdentityError('POD_UNKNOWN', 'no'), MINUTE, 0],
  ['and spread over half a minute more', new IdentityError('POD_UNKNOWN', 'no'), 1.5 * MINUTE, 1],
  ['the wait that the agent asks for is kept', new IdentityError('BUSY', 'later', {}, { retryAfterMs: 8 * MINUTE }), 8 * MINUTE, 0],
  ['and pods spread over half as much more', new IdentityError('BUSY', 'later', {}, { retryAfterMs: 8 * MINUTE }), 12 * MINUTE, 1],
])('%s', async (_name, error, waitMs, random) => {
  await using it = start({ firstIn: 0, renew: (attempt) => (attempt === 1 ? Promise.reject(error) : never()) })
  it.clock.willDraw(random)
  await it.clock.advance(waitMs - 1)
  expect(it.attempts).toEqual([0])
  await it.clock.advance(1)
  expect(it.attempts).toEqual([0, waitMs])
})

test('a wall clock that jumps ahead, as after a night asleep, is noticed within a minute', async () => {
  await using it = start({ firstIn: 12 * HOUR, renew: (attempt) => Promise.resolve(dueIn((12 + attempt * 9) * HOUR)) })
  await it.clock.advance(10)
  it.clock.jump(14 * HOUR)
  await it.clock.advance(MINUTE)
  expect(it.attempts).toHaveLength(1)
})

test('a wall clock that is set back by years does not put a renewal off', async () => {
  await using it = start({ firstIn: HOUR, renew: never })
  await it.clock.advance(10)
  it.clock.jump(-20_000 * HOUR)
  await it.clock.advance(HOUR)
  expect(it.attempts).toHaveLength(1)
})

test('what is outdated is renewed before its time', async () => {
  let outdated = false
  await using it = start({ firstIn: 12 * HOUR, renew: never, outdated: () => Promise.resolve(outdated) })
  await it.clock.advance(5 * MINUTE)
  expect(it.attempts).toEqual([])
  outdated = true
  await it.clock.advance(MINUTE)
  expect(it.attempts).toHaveLength(1)
})

test.each([
  ['an issuer that gives only certificates long due', () => Promise.resolve(dueIn(-HOUR)), undefined],
  ['a thing that stays outdated', never, () => Promise.resolve(true)],
])('%s causes no flood', async (_name, renew, outdated) => {
  await using it = start({ firstIn: 0, renew, ...(outdated === undefined ? {} : { outdated }) })
  await it.clock.advance(10 * MINUTE)
  expect(it.attempts.length).toBeLessThanOrEqual(11)
})

test('an abort ends it at once, asleep or waiting to try again', async () => {
  for (const firstIn of [HOUR, 0]) {
    await using it = start({ firstIn, renew: () => Promise.reject(new Error('down')) })
    await it.clock.advance(500)
    const reason = new Error('asked to stop')
    it.stop.abort(reason)
    expect(await it.ended).toBe(reason)
    expect(it.clock.sleeping).toBe(0)
  }
})
