import { randomUUID } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lock } from './lock.ts'

const LONG = { deadlineMs: 30_000 }

test('who comes second waits for the first, and is told so once', async () => {
  const name = randomUUID()
  const first = await lock(name, LONG)
  const { promise: told, resolve } = Promise.withResolvers<void>()
  const second = lock(name, { ...LONG, onWait: resolve })
  await told
  await first[Symbol.asyncDispose]()
  await using _held = await second
})

test('who cannot have it in time is told whose turn it is', async () => {
  const name = randomUUID()
  await using _held = await lock(name, LONG)
  await expect(lock(name, { deadlineMs: 0 })).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
})

test('the end of its holder, however sudden, sets it free', async () => {
  const name = randomUUID()
  const script = `await (await import('${join(import.meta.dirname, 'lock.ts')}')).lock('${name}', { deadlineMs: 1000 }); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(holder.stdout, 'data')
  await expect(lock(name, { deadlineMs: 0 })).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
  holder.kill('SIGKILL')
  await using _held = await lock(name, LONG)
})

test('an abort ends the wait', async () => {
  const name = randomUUID()
  await using _held = await lock(name, LONG)
  const stop = new AbortController()
  await expect(lock(name, { ...LONG, signal: stop.signal, onWait: () => stop.abort(new Error('asked to stop')) })).rejects.toThrow('asked to stop')
})
