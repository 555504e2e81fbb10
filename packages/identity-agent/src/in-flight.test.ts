import { expect, test } from 'vitest'
import { createInFlight } from './in-flight.ts'

const limits = { perInstance: 3, running: 2 }

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

test('the same share is one task with one answer, good or bad, and the next call starts anew', async () => {
  const inFlight = createInFlight(limits)
  const began: string[] = []
  const first = held('a', began)
  const both = [inFlight.run('pod', 'key', first.task), inFlight.run('pod', 'key', first.task)]
  first.fail(new Error('broken'))
  for (const one of both) await expect(one).rejects.toThrow('broken')
  expect(began).toEqual(['a'])
  await turn()
  expect(await inFlight.run('pod', 'key', async () => 'b')).toBe('b')
  await turn()
  expect(inFlight.size).toBe(0)
})

test('different shares of one instance run one after another, in order', async () => {
  const inFlight = createInFlight(limits)
  const began: string[] = []
  const tasks = ['a', 'b', 'c'].map((name) => held(name, began))
  const answers = tasks.map(({ task }, index) => inFlight.run('pod', `key ${index}`, task))
  for (const [index, { end }] of tasks.entries()) {
    await turn()
    expect(began).toHaveLength(index + 1)
    end()
  }
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c'])
  expect(began).toEqual(['a', 'b', 'c'])
})

test('one too many for an instance is BUSY; others are not', async () => {
  const inFlight = createInFlight(limits)
  const began: string[] = []
  const tasks = ['a', 'b', 'c'].map((name) => held(name, began))
  const answers = tasks.map(({ task }, index) => inFlight.run('pod', `key ${index}`, task))
  await expect(inFlight.run('pod', 'another', async () => 'd')).rejects.toMatchObject({ code: 'BUSY', retryAfterMs: 2_000 })
  expect(await inFlight.run('other pod', 'key', async () => 'e')).toBe('e')
  for (const { end } of tasks) end()
  await Promise.all(answers)
})

test('instances take turns: one with a long queue does not keep the others waiting', async () => {
  const inFlight = createInFlight({ perInstance: 10, running: 1 })
  const order: string[] = []
  const note = (name: string) => async () => void order.push(name)
  const flood = [1, 2, 3, 4].map((n) => inFlight.run('loud', `key ${n}`, note(`loud ${n}`)))
  const quiet = inFlight.run('quiet', 'key', note('quiet'))
  await Promise.all([...flood, quiet])
  expect(order.indexOf('quiet')).toBe(1)
})
