import { IdentityError, type ReasonCode } from '@pallas/identity'
import { memoryLog } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { refusalFields } from './refusal-fields.ts'

/** The record of a refusal as the log has it, and its text. */
function written(code: ReasonCode, cause: unknown) {
  const { log, records, text } = memoryLog()
  log.info(refusalFields(new IdentityError(code, 'not done', { shown: 'x' }, { cause })), 'refused')
  return { record: records[0], text: text() }
}

const reset = () => new Error('no answer', { cause: Object.assign(new Error(''), { code: 'ECONNRESET' }) })

test.each<ReasonCode>(['BODY_INVALID', 'POD_UNKNOWN', 'CSR_NAMES_CHANGED'])('%s says what was wrong and nothing of what broke', (reason) => {
  const { record, text } = written(reason, new SyntaxError('Unexpected token in "hush"'))
  expect(record).toMatchObject({ reason, problem: 'not done', facts: { shown: 'x' } })
  expect(text).not.toMatch(/stack|hush/)
})

test('of what is unavailable the causes are named, without a stack', () => {
  const { record, text } = written('API_UNAVAILABLE', reset())
  expect(record).toMatchObject({ reason: 'API_UNAVAILABLE', facts: { shown: 'x' }, problems: ['no answer', 'ECONNRESET'] })
  expect(text).not.toContain('stack')
})

test('a cause is named with its code, once', () => {
  const ours = Object.assign(new Error('not in time'), { code: 'KUBE_TIMEOUT' })
  expect(written('API_UNAVAILABLE', ours).record).toMatchObject({ problems: ['KUBE_TIMEOUT: not in time'] })
  const system = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' })
  expect(written('API_UNAVAILABLE', system).record).toMatchObject({ problems: ['connect ECONNREFUSED 10.0.0.1:443'] })
})

test('what broke inside is written with its stack and the chain of its causes', () => {
  const { record, text } = written('INTERNAL', reset())
  expect(record).toMatchObject({ reason: 'INTERNAL' })
  expect(text).toContain('stack')
  expect(text).toContain('no answer')
})
