import { describe, expect, test } from 'vitest'
import { refusalOf, retryAfterOf } from './refusal.ts'

const NOW = 1_898_467_200_000 // 2030-02-28T00:00:00Z

const answer = (status: number, body: string, retryAfter?: string) => ({
  status,
  body,
  contentType: 'application/json',
  retryAfter,
})
const said = (status: number, message: string, retryAfter?: string) =>
  answer(status, JSON.stringify({ code: status, message }), retryAfter)
const relayed = (status: number, body: string) => {
  const quoted = `ResourceException (${status}): ${body} client: SIA-k8s 1 clientIP: 10.0.0.1 clientHost: null`
  return said(status === 504 ? 504 : 403, `unable to verify attestation data: ${quoted}`)
}

describe('what an answer without an identity means', () => {
  test.each([
    ['an unknown domain is final', said(404, 'Domain not found: x'), 'ZTS_REFUSED', false],
    ['a wrong credential is final', said(401, 'Invalid credentials'), 'ZTS_REFUSED', false],
    ['a bad CSR is final', said(400, 'CSR validation failed - x'), 'ZTS_REFUSED', false],
    ['a revoked lineage is told apart', said(403, 'Certificate revoked'), 'ZTS_REVOKED', false],
    ['a forgotten record is told apart', said(403, 'Unable to find certificate record'), 'ZTS_REVOKED', false],
    [
      'a callback that quotes the text of a revocation revokes nothing',
      relayed(403, 'Certificate revoked'),
      'ZTS_REFUSED',
      false,
    ],
    ['a crowded server is worth a retry (T33)', said(429, 'slow down'), 'ZTS_BUSY', true],
    ['an unavailable server is worth a retry (T33)', answer(503, '<html>'), 'ZTS_BUSY', true],
    ['an unavailable provider is worth a retry (W27)', relayed(504, '{}'), 'ZTS_BUSY', true],
    ['a page of a proxy denies nothing', answer(403, '<html>no</html>'), 'ZTS_BAD_ANSWER', true],
    ['another json denies nothing', answer(403, '{"error":"no"}'), 'ZTS_BAD_ANSWER', true],
    ['another status in the body denies nothing', answer(403, '{"code":200,"message":"x"}'), 'ZTS_BAD_ANSWER', true],
    ['an empty refusal denies nothing', answer(400, ''), 'ZTS_BAD_ANSWER', true],
    ['a redirect decides nothing', answer(302, ''), 'ZTS_BAD_ANSWER', true],
    ['a broken server decides nothing', said(500, 'unable to update cert db'), 'ZTS_BAD_ANSWER', true],
    ['a yes with another status decides nothing', answer(202, '{}'), 'ZTS_BAD_ANSWER', true],
  ])('%s', (_name, given, code, retryable) => {
    expect(refusalOf(given, NOW)).toMatchObject({ code, retryable, status: given.status })
  })

  test('the reason of our callback comes through (W27)', () => {
    const refusal = refusalOf(relayed(403, '{"code":"SAN_IP_MISMATCH","message":"no {such} address"}'), NOW)
    expect(refusal).toMatchObject({ code: 'ZTS_REFUSED', reason: 'SAN_IP_MISMATCH' })
  })

  test('so does the wait it asks for (W27)', () => {
    const refusal = refusalOf(relayed(504, '{"code":"API_UNAVAILABLE","message":"m","retryAfter":7}'), NOW)
    expect(refusal).toMatchObject({ code: 'ZTS_BUSY', reason: 'API_UNAVAILABLE', retryAfterMs: 7_000 })
  })

  test.each([
    ['a code that is none of ours', '{"code":"TOSTRING"}'],
    ['an inherited name', '{"code":"toString"}'],
    ['broken json', '{"code":"SAN_IP_MISMATCH"'],
    ['no json', 'SAN_IP_MISMATCH'],
  ])('%s is no reason', (_name, body) => {
    expect(refusalOf(relayed(403, body), NOW)).toMatchObject({ code: 'ZTS_REFUSED', reason: undefined })
  })

  test('what ZTS wrote is kept short, and out of the message', () => {
    const refusal = refusalOf(said(403, 'x'.repeat(5_000)), NOW)
    expect(refusal.detail).toHaveLength(300)
    expect(refusal.message).toBe('zts refused')
  })

  test('a wait is told only with a refusal that waiting can mend', () => {
    expect(refusalOf(said(429, 'm', '3'), NOW).retryAfterMs).toBe(3_000)
    expect(refusalOf(said(403, 'm', '3'), NOW).retryAfterMs).toBeUndefined()
  })
})

test.each([
  ['seconds', '120', 120_000],
  ['zero', '0', 0],
  ['a date to come', 'Thu, 28 Feb 2030 00:01:00 GMT', 60_000],
  ['a date gone by', 'Wed, 27 Feb 2030 00:00:00 GMT', 0],
  ['a wait beyond an hour', '9999999', 3_600_000],
  ['a date years away', 'Fri, 28 Feb 2042 00:00:00 GMT', 3_600_000],
  ['a negative number', '-5', undefined],
  ['a fraction', '1.5', undefined],
  ['no date', 'soon', undefined],
  ['a day that is none', 'Sat, 31 Feb 2030 00:00:00 GMT', undefined],
  ['a month that is none', 'Sat, 01 Foo 2030 00:00:00 GMT', undefined],
  ['nothing', undefined, undefined],
  ['an empty header', '', undefined],
])('Retry-After of %s (T33)', (_name, header, wait) => {
  expect(retryAfterOf(header, NOW)).toBe(wait)
})
