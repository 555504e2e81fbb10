import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  credentialsAnswer,
  formatKeyWish,
  type KeyWish,
  parseCredentialsAnswer,
  parseInitRequest,
  parseNamesAnswer,
  parseRefreshRequest,
} from './agent-api.ts'

const INVALID = expect.objectContaining({ name: 'IdentityError', code: 'BODY_INVALID' })
const b64 = (text: string) => Buffer.from(text).toString('base64')
const some = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 })

describe('a request', () => {
  const previous = fc.record({ keyPem: some, certPem: some })
  const pair = fc.record({ origin: fc.constant('agent' as const), previous })
  const csr = fc.record({ origin: fc.constant('pod' as const), csr: some })

  test('survives the trip, as text and as bytes', () => {
    fc.assert(
      fc.property(fc.oneof(pair, csr), (wish: KeyWish) => {
        const text = formatKeyWish(wish)
        expect(parseRefreshRequest(text)).toEqual(wish)
        expect(parseRefreshRequest(Buffer.from(text))).toEqual(wish)
        if (wish.origin === 'pod') expect(parseInitRequest(text)).toEqual(wish)
      }),
    )
  })

  test('for the first credentials may be empty, or say nothing: the agent makes the key', () => {
    const wish = { origin: 'agent', previous: undefined } as const
    for (const body of [undefined, '', new Uint8Array(), '{}', '{"other":1}', '{"csr":null}']) {
      expect(parseInitRequest(body)).toEqual(wish)
    }
    expect(formatKeyWish(wish)).toBe('')
  })

  test('is the original on the wire: base64 of pem text, keys in any case (C4)', () => {
    const wish = { origin: 'agent', previous: { keyPem: 'key', certPem: 'cert' } } as const
    expect(formatKeyWish(wish)).toBe(`{"keyPEM":"${b64('key')}","certPEM":"${b64('cert')}"}`)
    expect(parseRefreshRequest(`{"KeyPem":"${b64('key')}","CERTPEM":"${b64('cert')}","x":[]}`)).toEqual(wish)
  })
})

const NOT_OBJECTS = ['{', 'null', '[]', '"csr"', '1', '{"csr":"a"}x', '\ufeff{}', "{'csr':'a'}"]

test.each([
  ...NOT_OBJECTS,
  '{"csr":""}',
  '{"csr":1}',
  '{"csr":["a"]}',
  '{"csr":{"a":1}}',
  '{"csr":"a","CSR":"b"}',
  '{"csr":"\\ud800"}',
  JSON.stringify({ csr: 'x'.repeat(65_537) }),
  `{"x":"${'x'.repeat(1_048_576)}"}`,
])('%.60j is no request for first credentials', (body) => {
  expect(() => parseInitRequest(body)).toThrow(INVALID)
})

test.each([
  ...NOT_OBJECTS,
  '',
  undefined,
  '{}',
  '{"keyPEM":"YQ=="}',
  '{"certPEM":"YQ=="}',
  '{"keyPEM":"","certPEM":"YQ=="}',
  '{"keyPEM":null,"certPEM":"YQ=="}',
  '{"keyPEM":"YQ==","certPEM":"YQ==","csr":"a"}',
  '{"keyPEM":"YQ==","csr":"a"}',
  '{"keyPEM":"YQ==","certPEM":"YQ==","KEYPEM":"YQ=="}',
  '{"keyPEM":"YQ","certPEM":"YQ=="}',
  '{"keyPEM":"YR==","certPEM":"YQ=="}',
  '{"keyPEM":" YQ==","certPEM":"YQ=="}',
  '{"keyPEM":"Y-_=","certPEM":"YQ=="}',
  '{"keyPEM":"/w==","certPEM":"YQ=="}',
  '{"keyPEM":1,"certPEM":"YQ=="}',
])('%.60j is no request for the next credentials', (body) => {
  expect(() => parseRefreshRequest(body)).toThrow(INVALID)
})

test('bytes that are not utf-8 are no request', () => {
  expect(() => parseInitRequest(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(INVALID)
})

test('a body nested a hundred thousand deep is refused, quickly', () => {
  const body = `{"csr":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  expect(() => parseInitRequest(body)).toThrow(INVALID)
})

describe('credentials', () => {
  const credentials = fc.record(
    { ntoken: fc.stringMatching(/^[\w;=.]{0,40}$/), keyPem: some, certPem: some, caPem: fc.string() },
    { requiredKeys: ['ntoken', 'certPem', 'caPem'] },
  )

  test('survive the trip', () => {
    fc.assert(
      fc.property(credentials, (it) => {
        expect(parseCredentialsAnswer(JSON.stringify(credentialsAnswer(it)))).toEqual(it)
      }),
    )
  })

  test('are the original on the wire; the key is absent where the pod made it (C4, W16)', () => {
    const answer = credentialsAnswer({ ntoken: 'v=S1', certPem: 'cert', caPem: 'ca' })
    expect(answer).toEqual({ ntoken: 'v=S1', certPEM: b64('cert'), caCertPEM: b64('ca') })
    expect('keyPEM' in answer).toBe(false)
  })

  test('without token or ca are read', () => {
    const bare = parseCredentialsAnswer('{"certPEM":"YQ==","caCertPEM":null}')
    expect(bare).toEqual({ ntoken: '', certPem: 'a', caPem: '' })
  })

  test.each([...NOT_OBJECTS, '{}', '{"certPEM":""}', '{"certPEM":"?"}', '{"certPEM":"YQ==","ntoken":1}'])(
    '%j are none',
    (body) => {
      expect(() => parseCredentialsAnswer(body)).toThrow(INVALID)
    },
  )
})

describe('names', () => {
  const names = { commonName: 'a.b', dns: ['x', 'y'], ip: ['::1'], uri: [] }

  test('survive the trip', () => {
    expect(parseNamesAnswer(JSON.stringify(names))).toEqual(names)
  })

  test.each([
    ...NOT_OBJECTS,
    JSON.stringify({ ...names, commonName: '' }),
    JSON.stringify({ ...names, dns: undefined }),
    JSON.stringify({ ...names, dns: 'x' }),
    JSON.stringify({ ...names, ip: [1] }),
    JSON.stringify({ ...names, ip: [''] }),
    JSON.stringify({ ...names, uri: [null] }),
    JSON.stringify({ ...names, dns: Array.from({ length: 65 }, () => 'x') }),
    JSON.stringify({ ...names, dns: ['x'.repeat(2_049)] }),
  ])('%.60j are none', (body) => {
    expect(() => parseNamesAnswer(body)).toThrow(INVALID)
  })
})
