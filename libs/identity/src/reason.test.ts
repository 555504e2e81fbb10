import { expect, test } from 'vitest'
import { IdentityError } from './error.ts'
import { isReasonCode, kindOf, type ReasonCode, REASONS } from './reason.ts'

test('every reason is a word that a metric and a shell can hold, and says what it means in a sentence', () => {
  for (const [code, { doc }] of Object.entries(REASONS)) {
    expect(code).toMatch(/^[A-Z][A-Z_]*[A-Z]$/)
    expect(doc).toMatch(/^[A-Z].*\.$/)
    expect(isReasonCode(code)).toBe(true)
  }
})

test.each(['', 'toString', '__proto__', 'constructor', 'pod_ended', 'POD_ENDED '])('%j is no reason', (text) => {
  expect(isReasonCode(text)).toBe(false)
})

test.each<[ReasonCode, string]>([
  ['POD_ENDED', 'denied'],
  ['POD_IP_PENDING', 'unavailable'],
  ['CSR_NAMES_CHANGED', 'conflict'],
  ['HANDLE_INVALID', 'bad-request'],
  ['INTERNAL', 'internal'],
])('%s is %s, also as an error', (code, kind) => {
  expect(kindOf(code)).toBe(kind)
  const error = new IdentityError(code, 'no')
  expect([error.kind, error.fields, error.retryAfterMs]).toEqual([kind, {}, undefined])
  expect(Object.hasOwn(error, 'cause')).toBe(false)
})

test('an error keeps its facts, its cause and how long to wait', () => {
  const cause = new Error('why')
  const error = new IdentityError('BUSY', 'come back', { waiting: 3 }, { cause, retryAfterMs: 500 })
  expect(error).toMatchObject({ name: 'IdentityError', fields: { waiting: 3 }, cause, retryAfterMs: 500 })
})
