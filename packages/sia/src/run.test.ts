import { oneOf, program, setting } from '@pallas/config'
import { IdentityError } from '@pallas/identity'
import { expect, test } from 'vitest'
import { SiaError } from './error.ts'
import { runProgram } from './run.ts'

const sample = program({
  name: 'athenz-sample',
  envPrefix: 'SAMPLE',
  summary: 'A sample.',
  schema: { mode: setting(oneOf('init', 'refresh'), { required: true, doc: 'Mode.' }) },
})

async function run(argv: readonly string[], start: () => Promise<void>, aborted = false) {
  const stop = new AbortController()
  if (aborted) stop.abort(new Error('stopped by SIGTERM'))
  const said = { out: '', err: '' }
  const out = (text: string) => void (said.out += text)
  const err = (text: string) => void (said.err += text)
  const code = await runProgram(sample, '1.2.3', { argv, env: {}, signal: stop.signal, out, err }, start)
  return { code, ...said }
}

const failing = (error: unknown) => () => Promise.reject(error)

test('work that is done ends with 0 and says nothing', async () => {
  expect(await run(['--mode=init'], () => Promise.resolve())).toEqual({ code: 0, out: '', err: '' })
})

test.each(['--help', '--version'])('%s prints and ends with 0, and nothing starts', async (flag) => {
  const { code, out } = await run([flag], failing(new Error('started')))
  expect(code).toBe(0)
  expect(out).toContain('athenz-sample')
})

test('every bad setting is told at once', async () => {
  const { code, err } = await run(['--mode=never', '--colour=red'], () => Promise.resolve())
  expect(code).toBe(64)
  expect(err).toContain('--mode')
  expect(err).toContain('colour')
})

test.each([
  [77, 'denied: HANDLE_PEER_MISMATCH: no. The calling process is in another pod', new IdentityError('HANDLE_PEER_MISMATCH', 'no')],
  [75, 'unavailable: BUSY: no. Too many', new IdentityError('BUSY', 'no')],
  [75, 'unavailable: CSR_NAMES_CHANGED: ', new IdentityError('CSR_NAMES_CHANGED', 'no')],
  [1, 'internal: INTERNAL: ', new IdentityError('INTERNAL', 'no')],
  [1, 'bad-request: HANDLE_INVALID: ', new IdentityError('HANDLE_INVALID', 'no')],
  [1, 'SIA_OUTPUT_REFUSED: no', new SiaError('SIA_OUTPUT_REFUSED', 'no')],
  [1, 'broken; deeper', new Error('broken', { cause: new Error('deeper') })],
  [1, 'unknown failure', 'text'],
])('%d: %s', async (code, sentence, error) => {
  const result = await run(['--mode=init'], failing(error))
  expect(result.code).toBe(code)
  expect(result.err).toContain(`athenz-sample: ${sentence}`)
})

test('a program that was stopped before its work was done does not claim that it was', async () => {
  const result = await run(['--mode=init'], failing(new Error('stopped by SIGTERM')), true)
  expect(result).toMatchObject({ code: 75, err: 'athenz-sample: stopped before the work was done\n' })
})
