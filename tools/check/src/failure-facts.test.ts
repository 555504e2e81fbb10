import { expect, test } from 'vitest'
import { factLines } from './failure-facts.ts'

const refused = { message: 'the server refused', code: 'KUBE_BUSY', fields: { status: 500, detail: 'failed calling\nwebhook' } }
const WORDS = 'the server refused (KUBE_BUSY) {"status":500,"detail":"failed calling\\nwebhook"}'

test.each([
  ['an error with a code says its code and its facts in one line', [refused], [`a pod: ${WORDS}`]],
  ['each of several does', [refused, refused], [`a pod: ${WORDS}`, `a pod: ${WORDS}`]],
  ['one that was caused by it says them too', [{ message: 'not in time', cause: { message: 'nor this', cause: refused } }], [`a pod: ${WORDS}`]],
  ['one without facts says its code', [{ message: 'no\nsuch file', code: 'ENOENT' }], ['a pod: no such file (ENOENT)']],
  ['one without a code has nothing to add', [{ message: 'expected 1 to be 2' }], []],
  ['one whose code is a number has nothing to add', [{ message: 'exited', code: 1 }], []],
])('%s', (_name, errors, lines) => {
  expect(factLines([{ name: 'a pod', errors }])).toEqual(lines)
})

test('facts that JSON cannot say are said all the same', () => {
  const fields: Record<string, unknown> = { size: 5n }
  fields['self'] = fields
  expect(factLines([{ name: 'a pod', errors: [{ message: 'too long', code: 'TOO_LONG', fields }] }])).toEqual([expect.stringMatching(/^a pod: too long \(TOO_LONG\) .*size: 5n.*Circular/)])
})

test('a chain of causes that leads back to itself comes to an end', () => {
  const error: { message: string; code: string; cause?: unknown } = { message: 'again', code: 'AGAIN' }
  error.cause = error
  expect(factLines([{ name: 'a pod', errors: [error] }])).not.toEqual([])
})
