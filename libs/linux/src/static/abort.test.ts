/** What code behind the door may take for granted of `AbortController` holds for Node's and for ours alike. */
import { expect, test } from 'vitest'
import { StaticAbortController, StaticAbortSignal } from './abort.ts'

type Signal = Pick<AbortSignal, 'aborted' | 'reason' | 'throwIfAborted'> & {
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

interface Home {
  readonly controller: () => { readonly signal: Signal; abort(reason?: unknown): void }
  readonly any: (signals: readonly Signal[]) => Signal
}

const HOMES: readonly (readonly [string, Home])[] = [
  ['of Node', { controller: () => new AbortController(), any: (signals) => AbortSignal.any(signals as AbortSignal[]) }],
  ['of the static home', { controller: () => new StaticAbortController(), any: (signals) => StaticAbortSignal.any(signals as StaticAbortSignal[]) }],
]

test.each(HOMES)('%s: the first reason counts, and a listener is told once', (_name, { controller }) => {
  const stop = controller()
  const told: unknown[] = []
  stop.signal.addEventListener('abort', () => told.push(stop.signal.reason))
  expect([stop.signal.aborted, stop.signal.reason]).toEqual([false, undefined])
  stop.signal.throwIfAborted()
  const reason = new Error('enough')
  stop.abort(reason)
  stop.abort(new Error('again'))
  expect(told).toEqual([reason])
  expect(stop.signal.aborted).toBe(true)
  expect(() => stop.signal.throwIfAborted()).toThrow(reason)
})

test.each(HOMES)('%s: without a reason there is an AbortError', (_name, { controller }) => {
  const stop = controller()
  stop.abort()
  expect(stop.signal.reason).toMatchObject({ name: 'AbortError', message: 'This operation was aborted' })
})

test.each(HOMES)('%s: who was removed, came twice or comes too late is told accordingly', (_name, { controller }) => {
  const stop = controller()
  let calls = 0
  const removed = () => (calls += 100)
  const listener = () => (calls += 1)
  stop.signal.addEventListener('abort', removed)
  stop.signal.removeEventListener('abort', removed)
  stop.signal.addEventListener('abort', listener, { once: true })
  stop.signal.addEventListener('abort', listener)
  stop.abort()
  stop.signal.addEventListener('abort', listener)
  expect(calls).toBe(1)
})

test.each(HOMES)('%s: any of several aborts what stands for them, with its reason', (_name, { controller, any }) => {
  const [one, other] = [controller(), controller()]
  const either = any([one.signal, other.signal])
  const told: unknown[] = []
  either.addEventListener('abort', () => told.push(either.reason))
  expect(either.aborted).toBe(false)
  other.abort('other')
  one.abort('one')
  expect(told).toEqual(['other'])
  expect([either.aborted, either.reason]).toEqual([true, 'other'])
})

test.each(HOMES)('%s: what stands for one that has aborted is aborted, also one that stands for another', (_name, { controller, any }) => {
  const stop = controller()
  stop.abort('enough')
  const either = any([any([controller().signal, stop.signal])])
  expect([either.aborted, either.reason]).toEqual([true, 'enough'])
})

test.each(HOMES)('%s: one that nobody listens to any more is aborted all the same', (_name, { controller, any }) => {
  const stop = controller()
  const either = any([stop.signal])
  let calls = 0
  const listener = () => (calls += 1)
  either.addEventListener('abort', listener)
  either.removeEventListener('abort', listener)
  stop.abort('enough')
  expect([either.aborted, either.reason, calls]).toEqual([true, 'enough', 0])
})

test('who stands for others holds on to nothing in them when nobody listens', () => {
  const stop = new StaticAbortController()
  let subscribed = 0
  const source = stop.signal
  const add = source.addEventListener.bind(source)
  const remove = source.removeEventListener.bind(source)
  source.addEventListener = (...args) => {
    subscribed++
    add(...args)
  }
  source.removeEventListener = (...args) => {
    subscribed--
    remove(...args)
  }
  const listener = () => void subscribed
  for (let time = 0; time < 3; time++) {
    const either = StaticAbortSignal.any([source])
    either.addEventListener('abort', listener)
    expect(subscribed).toBe(1)
    either.removeEventListener('abort', listener)
    expect(subscribed).toBe(0)
  }
})
