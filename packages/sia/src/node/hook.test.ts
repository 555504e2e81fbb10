import { expect, test } from 'vitest'
import type { Change } from '../companions.ts'
import { startHook } from './hook.ts'

const change = (name: string): Change => ({ members: [{ kind: 'access-token', name }], paths: [`/t/${name}`] })

/** A hook whose runs end when they are told to. */
function open() {
  const runs: { readonly change: Change; readonly end: () => void }[] = []
  const stop = new AbortController()
  const hook = startHook((it) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    runs.push({ change: it, end: resolve })
    return promise
  }, stop.signal)
  return { hook, runs, stop }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('one runs at a time, and what changes meanwhile makes one further run', async () => {
  const { hook, runs } = open()
  hook.changed(change('a'))
  for (const name of ['b', 'c', 'b']) hook.changed(change(name))
  expect(runs.map((run) => run.change)).toEqual([change('a')])
  runs[0]?.end()
  await settled()
  expect(runs[1]?.change).toEqual({ members: [...change('b').members, ...change('c').members], paths: ['/t/b', '/t/c'] })
  runs[1]?.end()
  await settled()
  expect(runs).toHaveLength(2)
  hook.changed(change('d'))
  expect(runs).toHaveLength(3)
})

test('disposing waits for the run and for the one that is due', async () => {
  const { hook, runs } = open()
  hook.changed(change('a'))
  hook.changed(change('b'))
  let isDisposed = false
  const disposed = hook[Symbol.asyncDispose]().then(() => void (isDisposed = true))
  runs[0]?.end()
  await settled()
  expect([runs.length, isDisposed]).toEqual([2, false])
  hook.changed(change('c'))
  runs[1]?.end()
  await disposed
  expect(runs).toHaveLength(2)
})

test('after a signal to stop nothing more is begun', async () => {
  const { hook, runs, stop } = open()
  hook.changed(change('a'))
  hook.changed(change('b'))
  stop.abort()
  runs[0]?.end()
  await hook[Symbol.asyncDispose]()
  hook.changed(change('c'))
  expect(runs).toHaveLength(1)
})
