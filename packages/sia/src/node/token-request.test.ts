import { expect, test } from 'vitest'
import { parseAccessTokenRequest, parseRoleTokenRequest, parseWish } from './token-request.ts'

test('a request for an access token becomes a wish with its roles in order and once', () => {
  const body = { domain: 'media.on-air', role: 'writer, reader,writer', proxy_for_principal: 'pets.web', expiry: 600 }
  expect(parseAccessTokenRequest(body)).toEqual({
    domain: 'media.on-air',
    roles: ['reader', 'writer'],
    proxyForPrincipal: 'pets.web',
    expirySeconds: 600,
  })
})

test.each([
  ['the domain alone', { domain: 'media' }],
  ['empty members', { domain: 'media', role: '', proxy_for_principal: '', expiry: 0 }],
  ['null members, as written by other languages', { domain: 'media', role: null, proxy_for_principal: null, expiry: null }],
])('%s asks for all roles, for as long as ZTS likes', (_what, body) => {
  expect(parseAccessTokenRequest(body)).toEqual({ domain: 'media', roles: [] })
})

test('a request for a role token names the least life; the longest is taken and counts for nothing', () => {
  const body = { domain: 'media', role: 'reader', min_expiry: 60, max_expiry: 120 }
  expect(parseRoleTokenRequest(body)).toEqual({ domain: 'media', roles: ['reader'], minExpirySeconds: 60 })
})

const LONG = 'a'.repeat(256)

test.each<[string, unknown]>([
  ['no body', undefined],
  ['null', null],
  ['a list', [{ domain: 'media' }]],
  ['a text', 'domain=media'],
  ['no domain', { role: 'reader' }],
  ['an empty domain', { domain: '' }],
  ['a domain that is a number', { domain: 7 }],
  ['a domain with a slash', { domain: 'media/../sys' }],
  ['a domain with a blank', { domain: 'media pets' }],
  ['a domain with a role in it', { domain: 'media:role.admin' }],
  ['a domain that ends in a dot', { domain: 'media.' }],
  ['a domain that is too long', { domain: LONG }],
  ['a role that is a list', { domain: 'media', role: ['reader'] }],
  ['a role with a blank in it', { domain: 'media', role: 'reader writer' }],
  ['a role with a line break', { domain: 'media', role: 'reader\nadmin' }],
  ['an empty member of the roles', { domain: 'media', role: 'reader,,writer' }],
  ['more roles than anybody has', { domain: 'media', role: Array.from({ length: 101 }, (_, i) => `r${i}`).join(',') }],
  ['a principal that is none', { domain: 'media', proxy_for_principal: 'pets.web&x=y' }],
  ['an expiry that is a text', { domain: 'media', expiry: '600' }],
  ['a negative expiry', { domain: 'media', expiry: -1 }],
  ['an expiry with a fraction', { domain: 'media', expiry: 1.5 }],
  ['an expiry of centuries', { domain: 'media', expiry: 2 ** 31 }],
  ['an unknown field', { domain: 'media', audience: 'x' }],
  ['a field of the other kind of token', { domain: 'media', min_expiry: 60 }],
  ['a field in other letters', { Domain: 'media' }],
])('%s is refused, and what was sent is not repeated', (_what, body) => {
  expect(() => parseAccessTokenRequest(body)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  try {
    parseAccessTokenRequest(body)
  } catch (error) {
    expect(JSON.stringify([error, error instanceof Error ? error.message : ''])).not.toMatch(/sys|admin|x=y|audience|aaaa/)
  }
})

test('a longest life that is none is refused although it counts for nothing', () => {
  expect(() => parseRoleTokenRequest({ domain: 'media', max_expiry: 'long' })).toThrow()
})

test('headers are read in the same grammar', () => {
  expect(parseWish('media', 'b,a')).toEqual({ domain: 'media', roles: ['a', 'b'] })
  expect(() => parseWish('media', '..')).toThrow()
})
