import { expect, test } from 'vitest'
import { lastLines, run } from './run.ts'

test('what a command reads and says goes through', async () => {
  expect(await run(['cat'], { input: 'words' })).toBe('words')
  expect(await run(['cat'])).toBe('')
})

test.each([
  ['fails, with its last words', ['sh', '-c', 'echo why >&2; exit 3'], 'why'],
  ['says nothing', ['sh', '-c', 'exit 3'], 'exit 3'],
  ['is not there', ['/nowhere/program'], 'ENOENT'],
] as const)('a command that %s', async (_name, argv, detail) => {
  await expect(run([...argv])).rejects.toMatchObject({ code: 'CLUSTER_COMMAND_FAILED', detail: expect.stringContaining(detail) })
})

test('a command that does not end is ended', async () => {
  await expect(run(['sleep', '3600'], { deadlineMs: 50 })).rejects.toMatchObject({ code: 'CLUSTER_COMMAND_FAILED' })
})

test('one that does not read its input is judged by its exit code alone', async () => {
  expect(await run(['true'], { input: 'x'.repeat(1 << 20) })).toBe('')
})

test('an abort ends it, with the reason', async () => {
  const stop = new AbortController()
  const running = run(['sleep', '3600'], { signal: stop.signal })
  stop.abort(new Error('asked to stop'))
  await expect(running).rejects.toThrow('asked to stop')
})

test('of long words the end is kept', () => {
  expect(lastLines('1\n2\n3\n4\n5\n6\n7\n\n')).toBe('2\n3\n4\n5\n6\n7')
})
