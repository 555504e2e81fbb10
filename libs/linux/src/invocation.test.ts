import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./testing/signals-main.ts', import.meta.url))

test.each(['SIGTERM', 'SIGINT'] as const)('%s aborts the signal once, and the second time ends the process', async (signal) => {
  const child = spawn(process.execPath, [PROGRAM, 'a', 'b'], { env: { ...process.env, SAID: 'x' } })
  const [ready] = (await once(child.stdout, 'data')) as [Buffer]
  expect(ready.toString()).toBe('ready a b x\n')
  child.kill(signal)
  const [told] = (await once(child.stderr, 'data')) as [Buffer]
  expect(told.toString()).toBe(`Error: stopped by ${signal}\n`)
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([null, signal])
})

test('a text longer than a pipe holds is written whole', async () => {
  const program = `
    import { nodeInvocation } from ${JSON.stringify(fileURLToPath(new URL('./invocation.ts', import.meta.url)))}
    import { endProcess } from ${JSON.stringify(fileURLToPath(new URL('./libc.ts', import.meta.url)))}
    nodeInvocation(process).out('é'.repeat(200_000))
    endProcess(7)
  `
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let length = 0
  for await (const part of child.stdout as AsyncIterable<Buffer>) length += part.length
  expect(length).toBe(400_000)
  expect(await ended).toEqual([7, null])
})
