import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { type Bound, createInFlight, type InFlightOptions } from './in-flight.ts'
import type { Whose } from './turns.ts'

const LIMITS = { perInstance: 3, perNamespace: 100, most: 100, running: 2, runningPerNamespace: 2 }

const open = (other: Partial<InFlightOptions<Whose>> = {}) => createInFlight({ ...LIMITS, clock: new FakeClock(), ...other })

const POD: Whose = { namespace: 'shop', instance: 'pod' }
const podOf = (namespace: string, n = 0): Whose => ({ namespace, instance: `${namespace} ${n}` })

/** A task that ends when the test says so, and a note of when it began. */
function held<T>(value: T, began: T[]) {
  const gate = Promise.withResolvers<T>()
  const task = () => {
    began.push(value)
    return gate.promise
  }
  return { task, end: () => gate.resolve(value), fail: (error: Error) => gate.reject(error) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('the same share is one task with one answer, good or bad, and the next call starts anew (T18, W21)', async () => {
  const inFlight = open()
  const began: string[] = []
  const first = held('a', began)
  const both = [inFlight.run(POD, 'key', first.task), inFlight.run(POD, 'key', first.task)]
  first.fail(new Error('broken'))
  for (const one of both) await expect(one).rejects.toThrow('broken')
  expect(began).toEqual(['a'])
  await turn()
  expect(await inFlight.run(POD, 'key', async () => 'b')).toBe('b')
  await turn()
  expect(inFlight.size).toBe(0)
})

test('different shares of one instance run one after another, in order (T18, W21)', async () => {
  const inFlight = open()
  const began: string[] = []
  const tasks = ['a', 'b', 'c'].map((name) => held(name, began))
  const answers = tasks.map(({ task }, index) => inFlight.run(POD, `key ${index}`, task))
  for (const [index, { end }] of tasks.entries()) {
    await turn()
    expect(began).toHaveLength(index + 1)
    end()
  }
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c'])
  expect(began).toEqual(['a', 'b', 'c'])
})

test('one too many for an instance is BUSY; others are not', async () => {
  const told: [Whose, Bound][] = []
  const inFlight = open({ onOverflow: (whose, bound) => void told.push([whose, bound]) })
  const began: string[] = []
  const tasks = ['a', 'b', 'c'].map((name) => held(name, began))
  const answers = tasks.map(({ task }, index) => inFlight.run(POD, `key ${index}`, task))
  await expect(inFlight.run(POD, 'another', async () => 'd')).rejects.toMatchObject({ code: 'BUSY', fields: { bound: 'instance' } })
  expect(await inFlight.run(podOf('other'), 'key', async () => 'e')).toBe('e')
  expect(told).toEqual([[POD, 'instance']])
  for (const { end } of tasks) end()
  await Promise.all(answers)
})

test('one too many for a namespace is BUSY, with a time to come back that differs from one to the next (T38)', async () => {
  const clock = new FakeClock()
  const told: Bound[] = []
  const inFlight = open({ perNamespace: 4, clock, onOverflow: (_whose, bound) => void told.push(bound) })
  const tasks = [1, 2, 3, 4].map((n) => held(n, []))
  const answers = tasks.map(({ task }, n) => inFlight.run(podOf('loud', n), 'key', task))
  clock.willDraw(0, 0.25, 0.999)
  const waits: number[] = []
  for (let n = 0; n < 3; n++) {
    const refusal = await inFlight.run(podOf('loud', 9), `key ${n}`, async () => 0).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'BUSY', fields: { bound: 'namespace' } })
    waits.push((refusal as { retryAfterMs: number }).retryAfterMs)
  }
  expect(waits).toEqual([2_000, 4_000, 9_992])
  expect(told).toEqual(['namespace', 'namespace', 'namespace'])
  for (const { end } of tasks) end()
  expect(await inFlight.run(podOf('quiet'), 'key', async () => 'served')).toBe('served')
  await Promise.all(answers)
})

test('where all is full, the namespace that has most waiting makes room with what it asked for last (T38)', async () => {
  const told: string[] = []
  const onOverflow = ({ namespace }: Whose, bound: Bound) => void told.push(`${namespace} ${bound}`)
  const inFlight = open({ most: 4, running: 1, onOverflow })
  const tasks = [0, 1, 2, 3].map((n) => held(n, []))
  const outcomes = tasks.map(({ task }, n) => inFlight.run(podOf('loud', n), 'key', task).catch(() => 'turned away'))
  const quiet = inFlight.run(podOf('quiet'), 'key', async () => 'served')
  await expect(inFlight.run(podOf('loud', 4), 'key', async () => 4)).rejects.toMatchObject({ code: 'BUSY', fields: { bound: 'agent' } })
  expect(inFlight.size).toBe(4)
  for (const { end } of tasks) end()
  expect(await quiet).toBe('served')
  expect(await Promise.all(outcomes)).toEqual([0, 1, 2, 'turned away'])
  expect(told).toEqual(['loud agent', 'loud agent'])
})

/** Each call of ZTS takes this long. */
const CALL_MS = 100

test('a namespace that floods waits for itself: another is as quick as if it were alone (T38)', async () => {
  const clock = new FakeClock()
  const limits = { perInstance: 32, perNamespace: 512, most: 1_024, running: 64, runningPerNamespace: 48 }
  let turnedAway = 0
  const inFlight = createInFlight({ ...limits, clock, onOverflow: () => void (turnedAway += 1) })
  const done: Record<'loud' | 'quiet', number[]> = { loud: [], quiet: [] }
  const ask = (namespace: 'loud' | 'quiet', n: number) => {
    const since = clock.monotonic()
    const call = inFlight.run(podOf(namespace, n % 200), `key ${n}`, () => clock.sleep(CALL_MS))
    return call.then(() => void done[namespace].push(clock.monotonic() - since), () => undefined)
  }
  const asked: Promise<void>[] = []
  for (let n = 0; n < 200; n++) {
    // 10 000 requests a second from one namespace, 20 from the other.
    for (let k = 0; k < 50; k++) asked.push(ask('loud', n * 50 + k))
    if (n % 10 === 0) asked.push(ask('quiet', n))
    await clock.advance(5)
  }
  await clock.advance(60_000)
  await Promise.all(asked)
  expect(done.quiet).toHaveLength(20)
  expect(Math.max(...done.quiet)).toBe(CALL_MS)
  expect(turnedAway).toBe(10_000 - done.loud.length)
  expect(turnedAway).toBeGreaterThan(5_000)
  expect(inFlight.size).toBe(0)
}, 20_000)
