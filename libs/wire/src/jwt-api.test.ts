import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jwtRequest, parseJwtAnswer, parseJwtRequest, type SubjectRequest } from './jwt-api.ts'

const INVALID = expect.objectContaining({ name: 'IdentityError', code: 'BODY_INVALID' })
const UID = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'
const subject = { ID: 'media/web-0', Domain: 'media', Service: 'web', IP: '10.1.2.3', UID }
const parsed: SubjectRequest = {
  namespace: 'media',
  name: 'web-0',
  domain: 'media',
  service: 'web',
  ip: '10.1.2.3',
  uid: UID,
}

test('a request is the original on the wire (C5)', () => {
  expect(jwtRequest(parsed)).toEqual({ subject })
  expect(jwtRequest({ ...parsed, uid: undefined }).subject).not.toHaveProperty('UID')
})

test('a request survives the trip', () => {
  const some = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
  const request = fc.record({
    namespace: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
    name: fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/),
    domain: some,
    service: some,
    ip: some,
    uid: fc.option(fc.uuid(), { nil: undefined }),
  })
  fc.assert(
    fc.property(request, (it) => {
      expect(parseJwtRequest(JSON.stringify(jwtRequest(it)))).toEqual(it)
      expect(parseJwtRequest(jwtRequest(it))).toEqual(it)
    }),
  )
})

test('keys are read in any case, and unknown ones are no matter (C5)', () => {
  const Subject = { id: 'media/web-0', DOMAIN: 'media', service: 'web', ip: '10.1.2.3', Uid: UID, x: {} }
  expect(parseJwtRequest({ Subject, y: 1 })).toEqual(parsed)
})

const withSubject = (other: object) => JSON.stringify({ subject: { ...subject, ...other } })

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"subject":null}',
  '{"subject":[]}',
  '{"subject":"pod:media/web-0"}',
  '{"subject":{},"Subject":{}}',
  withSubject({ ID: '' }),
  withSubject({ ID: 'media' }),
  withSubject({ ID: 'media/web-0/x' }),
  withSubject({ ID: 'media/../x' }),
  withSubject({ ID: '../web-0' }),
  withSubject({ ID: 'Media/web-0' }),
  withSubject({ ID: 'media/web-0\n' }),
  withSubject({ ID: 'media/web?d=bank' }),
  withSubject({ ID: ['media/web-0'] }),
  withSubject({ id: 'bank/web-0' }),
  withSubject({ Domain: '' }),
  withSubject({ Domain: null }),
  withSubject({ Service: undefined }),
  withSubject({ Service: 1 }),
  withSubject({ IP: {} }),
  withSubject({ IP: 'x'.repeat(513) }),
  withSubject({ UID: 'web-0' }),
  withSubject({ UID: '' }),
  withSubject({ Service: '\ud800' }),
])('%.80s is no request', (body) => {
  expect(() => parseJwtRequest(body)).toThrow(INVALID)
})

describe('an answer', () => {
  test('is a compact jws', () => {
    expect(parseJwtAnswer('{"jwt":"a.b-_.c"}')).toBe('a.b-_.c')
  })

  test.each([
    '',
    '{}',
    '{"jwt":""}',
    '{"jwt":"a.b"}',
    '{"jwt":"a.b.c.d"}',
    '{"jwt":"a.b.c\\n"}',
    '{"jwt":1}',
    '<html>',
  ])('is not %j', (body) => {
    expect(() => parseJwtAnswer(body)).toThrow(INVALID)
  })

  test('that is none is not shown by the error', () => {
    try {
      parseJwtAnswer('{"jwt":"secret=.secret.secret"}')
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('secret')
    }
  })
})
