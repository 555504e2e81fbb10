import { expect, test } from 'vitest'
import { runUntilDisposed } from './run-until-disposed.ts'

test('it is asked to end and waited for, and how it ends then does not matter', async () => {
  const seen: string[] = []
  const running = runUntilDisposed(async (signal) => {
    seen.push('begun')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await Promise.resolve()
    seen.push('ended')
    throw new Error('asked to end')
  })
  expect(seen).toEqual(['begun'])
  await running[Symbol.asyncDispose]()
  expect(seen).toEqual(['begun', 'ended'])
})

test('it may be over before', async () => {
  await runUntilDisposed(() => Promise.resolve())[Symbol.asyncDispose]()
})
