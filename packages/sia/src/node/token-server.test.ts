import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { IdentityError } from '@pallas/identity'
import { systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { serve } from '@pallas/service'
import { expect, test } from 'vitest'
import { ACCESS_TOKEN, refusedByZts, ROLE_TOKEN, testDeps, type TestDeps } from './testing/companions.ts'
import { createTokenServer, type TokenServerOptions } from './token-server.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function open(overrides: Partial<TokenServerOptions> = {}) {
  const deps = testDeps()
  const memory = memoryLog()
  const counted: string[] = []
  const app = createTokenServer({
    tokens: deps.tokens,
    serves: new Set(['access-token', 'role-token']),
    restApi: true,
    headerMode: false,
    roleAuthHeader: 'Athenz-Role-Auth',
    expirySeconds: 0,
    timeoutMs: 5_000,
    host: '127.0.0.1',
    clock: systemClock,
    log: memory.log,
    answered: (route, code) => void counted.push(`${route} ${code}`),
    ...overrides,
  })
  const served = await serve(app, { listen: LOOPBACK, graceMs: 0, clock: systemClock })
  const { port } = new URL(served.url)
  const ask = (asked: Asked) => call(Number(port), asked)
  return { ...deps, memory, counted, port: Number(port), ask, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() }
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** `node:http` sends what it is told, `Host` and `Origin` too. */
async function call(port: number, { method = 'POST', path = '/accesstoken', headers = JSON_TYPE, body = '{"domain":"media"}' }: Asked) {
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
  const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method)
  const length = hasBody && headers['transfer-encoding'] === undefined ? { 'content-length': String(Buffer.byteLength(body)) } : {}
  httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent: false }, resolve)
    .on('error', reject)
    .end(hasBody ? body : undefined)
  const answer = await promise
  const said = await text(answer)
  return { status: answer.statusCode, headers: answer.headers, said, body: said.startsWith('{') ? (JSON.parse(said) as unknown) : undefined }
}

test('an access token is given in the shape of k8s-athenz-sia', async () => {
  await using it = await open()
  const answer = await it.ask({ body: '{"domain":"media","role":"writer,reader","expiry":600}' })
  expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' } })
  expect(answer.body).toEqual({ access_token: ACCESS_TOKEN, token_type: 'Bearer', expires_in: expect.any(Number), scope: 'media:role.reader' })
  expect((answer.body as { expires_in: number }).expires_in).toBeGreaterThan(3_500)
  expect(it.tokens.asked).toEqual([{ domain: 'media', roles: ['reader', 'writer'], expirySeconds: 600 }])
  expect(it.counted).toEqual(['accesstoken OK'])
})

test('a scope is left out where ZTS gave what was asked for', async () => {
  await using it = await open()
  expect(Object.keys((await it.ask({})).body as object)).toEqual(['access_token', 'token_type', 'expires_in'])
})

test('a role token is given in the shape of k8s-athenz-sia', async () => {
  await using it = await open({ expirySeconds: 900 })
  const answer = await it.ask({ path: '/roletoken', body: '{"domain":"media","role":"reader","max_expiry":9}' })
  expect(answer).toMatchObject({ status: 200, body: { token: ROLE_TOKEN, expiryTime: 2_000_000_000 } })
  expect(it.tokens.asked).toEqual([{ domain: 'media', roles: ['reader'], minExpirySeconds: 900 }])
})

const BAD = { status: 400, code: 'BODY_INVALID' }
const WEB_PAGE = { status: 403, code: 'WEB_PAGE_REFUSED' }

test.each<[string, Asked, { status: number; code: string }]>([
  ['a body that is no JSON', { body: '{"domain":' }, BAD],
  ['an empty body', { body: '' }, BAD],
  ['a body that would change a prototype', { body: '{"domain":"media","__proto__":{"x":1}}' }, BAD],
  ['an unknown field', { body: '{"domain":"media","user":"root"}' }, BAD],
  ['a domain that is none', { body: '{"domain":"media/../sys"}' }, BAD],
  ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, { status: 415, code: 'BODY_TYPE_UNSUPPORTED' }],
  ['a text', { headers: { 'content-type': 'text/plain' } }, { status: 415, code: 'BODY_TYPE_UNSUPPORTED' }],
  ['a body that is not said to be JSON', { headers: {} }, { status: 415, code: 'BODY_TYPE_UNSUPPORTED' }],
  ['a type that only begins like JSON', { headers: { 'content-type': 'application/jsonp' } }, { status: 415, code: 'BODY_TYPE_UNSUPPORTED' }],
  ['GET', { method: 'GET' }, { status: 405, code: 'METHOD_UNSUPPORTED' }],
  ['PUT', { method: 'PUT' }, { status: 405, code: 'METHOD_UNSUPPORTED' }],
  ['a preflight', { method: 'OPTIONS' }, { status: 405, code: 'METHOD_UNSUPPORTED' }],
  ['another path', { path: '/tokens' }, { status: 404, code: 'ROUTE_UNKNOWN' }],
  ['a path in other letters', { path: '/AccessToken' }, { status: 404, code: 'ROUTE_UNKNOWN' }],
  ['a path that is no URL', { path: '/%zz' }, { status: 404, code: 'ROUTE_UNKNOWN' }],
  ['a web page', { headers: { ...JSON_TYPE, origin: 'https://evil.example' } }, WEB_PAGE],
  ['the preflight of a web page', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }, WEB_PAGE],
  ['a web page at another path', { path: '/', headers: { origin: 'null' } }, WEB_PAGE],
  ['a name that was made to lead here', { headers: { ...JSON_TYPE, host: 'evil.example:8880' } }, WEB_PAGE],
])('%s is refused as the fault of the caller', async (_what, asked, { status, code }) => {
  await using it = await open()
  expect(await it.ask(asked)).toMatchObject({ status, body: { code, message: expect.any(String) } })
  expect(it.tokens.asked).toEqual([])
  expect(it.counted.map((each) => each.split(' ')[1])).toEqual([code])
})

test.each<[string, IdentityError, { status: number; code: string; retryAfter?: string }]>([
  ['cannot read the request', refusedByZts(400), { status: 400, code: 'BODY_INVALID' }],
  ['does not know us', refusedByZts(401), { status: 403, code: 'ISSUER_DENIED' }],
  ['says that we are no member', refusedByZts(403), { status: 403, code: 'ISSUER_DENIED' }],
  ['knows no such domain', refusedByZts(404), { status: 404, code: 'DOMAIN_UNKNOWN' }],
  ['does not answer', new IdentityError('ISSUER_UNAVAILABLE', 'no answer'), { status: 503, code: 'ISSUER_UNAVAILABLE', retryAfter: '1' }],
  [
    'asks to come back later',
    new IdentityError('ISSUER_UNAVAILABLE', 'busy', {}, { retryAfterMs: 7_000 }),
    { status: 503, code: 'ISSUER_UNAVAILABLE', retryAfter: '7' },
  ],
])('that ZTS %s is passed on as it is', async (_what, error, { status, code, retryAfter }) => {
  await using it = await open()
  it.tokens.willRefuse(error)
  const answer = await it.ask({})
  expect(answer).toMatchObject({ status, body: { code } })
  expect(answer.headers['retry-after']).toBe(retryAfter)
})

test('a refusal in a loop is counted each time and told once', async () => {
  await using it = await open()
  it.tokens.willRefuse(refusedByZts(403))
  for (let n = 0; n < 3; n++) await it.ask({})
  expect(it.counted).toEqual(Array.from({ length: 3 }, () => 'accesstoken ISSUER_DENIED'))
  expect(it.memory.records.filter(({ msg }) => msg === 'request refused')).toHaveLength(1)
})

test('what breaks here is told as such, without its words (W18)', async () => {
  await using it = await open()
  it.tokens.willRefuse(new Error('secret of the cache'))
  const answer = await it.ask({})
  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } })
  expect(answer.said).not.toContain('secret')
})

test('a token that does not come in time is 503, and the wait for it ends', async () => {
  await using it = await open({ timeoutMs: 30 })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  it.tokens.before = (signal) => new Promise(() => signal.addEventListener('abort', () => resolve()))
  expect(await it.ask({})).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { code: 'ISSUER_UNAVAILABLE' } })
  await ended
})

test('more requests at a time than are taken get 429, and those that were taken their token (W22)', async () => {
  await using it = await open()
  const gate = Promise.withResolvers<void>()
  const full = Promise.withResolvers<void>()
  it.tokens.before = () => {
    if (it.tokens.asked.length === 64) full.resolve()
    return gate.promise
  }
  const taken = Array.from({ length: 64 }, () => it.ask({}))
  await full.promise
  expect(await it.ask({})).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, body: { code: 'BUSY' } })
  gate.resolve()
  expect((await Promise.all(taken)).map(({ status }) => status)).toEqual(Array.from({ length: 64 }, () => 200))
})

test('a body that is too long is not read to its end (W22)', async () => {
  await using it = await open()
  const body = JSON.stringify({ domain: 'media', role: 'r'.repeat(17_000) })
  expect(await it.ask({ body })).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
  const chunked = await it.ask({ body, headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' } })
  expect(chunked).toMatchObject({ status: 413 })
})

test('headers that are too long end the connection (W22)', async () => {
  await using it = await open()
  expect(await it.ask({ headers: { ...JSON_TYPE, 'x-long': 'x'.repeat(9_000) } })).toMatchObject({ status: 431 })
})

test('a request without a host is refused', async () => {
  await using it = await open()
  const socket = connect(it.port, '127.0.0.1')
  socket.end('GET /accesstoken HTTP/1.0\r\n\r\n')
  expect(await text(socket)).toContain('403')
})

test.each([
  ['access-token', '/roletoken'],
  ['role-token', '/accesstoken'],
] as const)('with %s alone there is no %s', async (kind, path) => {
  await using it = await open({ serves: new Set([kind]) })
  expect(await it.ask({ path })).toMatchObject({ status: 404, body: { code: 'ROUTE_UNKNOWN' } })
})

const NAMED = { 'x-athenz-domain': 'media', 'x-athenz-role': 'reader' }

test.each(['GET', 'POST'])('in header mode %s of any path answers with what is held, in headers and body', async (method) => {
  await using it = await open({ headerMode: true, restApi: false })
  const answer = await it.ask({ method, path: '/any/where', headers: { ...NAMED, ...JSON_TYPE } })
  expect(answer).toMatchObject({
    status: 200,
    headers: { authorization: `bearer ${ACCESS_TOKEN}`, 'athenz-role-auth': ROLE_TOKEN, 'cache-control': 'no-store' },
  })
  expect(answer.body).toEqual({ accesstoken: ACCESS_TOKEN, roletoken: ROLE_TOKEN })
  expect(it.tokens.asked).toEqual([])
})

test('in header mode only the tokens of the settings are given', async () => {
  await using it = await open({ headerMode: true, serves: new Set(['access-token']) })
  const answer = await it.ask({ method: 'GET', headers: NAMED })
  expect(answer.body).toEqual({ accesstoken: ACCESS_TOKEN })
  expect(answer.headers['athenz-role-auth']).toBeUndefined()
})

test.each<[string, Record<string, string>, (it: TestDeps) => void, string]>([
  ['no headers', {}, () => {}, 'BODY_INVALID'],
  ['no role', { 'x-athenz-domain': 'media' }, () => {}, 'BODY_INVALID'],
  ['a role that is none', { ...NAMED, 'x-athenz-role': 'a b' }, () => {}, 'BODY_INVALID'],
  ['a token that is not held', { ...NAMED, 'x-athenz-domain': 'pets' }, () => {}, 'TOKEN_NOT_CACHED'],
  ['tokens that have all gone', NAMED, (it) => void (it.tokens.isCached = false), 'TOKEN_NOT_CACHED'],
])('in header mode %s is 400 with the error and its code', async (_what, headers, prepare, code) => {
  await using it = await open({ headerMode: true })
  prepare(it)
  expect(await it.ask({ method: 'GET', path: '/', headers })).toMatchObject({ status: 400, body: { error: expect.any(String), code } })
  expect(it.counted).toEqual([`headers ${code}`])
})

test('in header mode a web page gets nothing either', async () => {
  await using it = await open({ headerMode: true })
  expect(await it.ask({ method: 'GET', path: '/', headers: { ...NAMED, origin: 'https://evil.example' } })).toMatchObject({ status: 403 })
})

test('no token is ever logged (T46)', async () => {
  await using it = await open({ headerMode: true })
  await it.ask({})
  await it.ask({ path: '/roletoken' })
  await it.ask({ method: 'GET', path: '/', headers: { ...NAMED, authorization: `Bearer ${ACCESS_TOKEN}` } })
  await it.ask({ body: JSON.stringify({ domain: ACCESS_TOKEN, role: ROLE_TOKEN }) })
  it.tokens.willRefuse(refusedByZts(403))
  await it.ask({})
  expect(it.memory.text()).toContain('request refused')
  for (const secret of [ACCESS_TOKEN, ROLE_TOKEN, 'c2lnbmF0dXJl']) expect(it.memory.text()).not.toContain(secret)
})
