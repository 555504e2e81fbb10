import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { workloadOf } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { createDocuments, jtiOf } from './documents.ts'

const POD = aPod()
const WORKLOAD = workloadOf(POD, someNameRules())
const never = new AbortController().signal

/** A JWT service that answers as told, and a client of it; `path` is what the setting ends in. */
async function aService(listener: RequestListener, { path = '/v1', timeoutMs = 2_000, connections = 8 } = {}) {
  const scope = new AsyncDisposableStack()
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  scope.defer(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const dispatcher = scope.adopt(new Agent({ connections }), (it) => it.destroy())
  const { port } = server.address() as AddressInfo
  const documents = createDocuments({ endpoint: new URL(`http://127.0.0.1:${port}${path}`), dispatcher, timeoutMs })
  return { documents, [Symbol.asyncDispose]: () => scope.disposeAsync() }
}

test.each([
  ['/v1', '/v1/jwt'],
  ['/v1/', '/v1/jwt'],
  ['', '/v1/jwt'],
  ['/below/v1', '/below/v1/jwt'],
])('an endpoint that ends in "%s" is asked at %s (C10)', async (path, expected) => {
  const answer: RequestListener = ({ url }, response) => void response.end(JSON.stringify({ jwt: url === expected ? 'a.b.c' : '' }))
  await using it = await aService(answer, { path })
  expect(await it.documents.sign(POD, WORKLOAD, never)).toEqual({ text: 'a.b.c', jti: undefined })
})

const say = (status: number, body: string, headers = {}): RequestListener => (_request, response) =>
  void response.writeHead(status, headers).end(body)

test.each<[string, RequestListener, object]>([
  ['denies with a reason', say(403, '{"code":"POD_ON_OTHER_NODE","message":"no"}'), { code: 'POD_ON_OTHER_NODE' }],
  [
    'cannot now, and says for how long',
    say(503, '{"code":"API_UNAVAILABLE","message":"no","retryAfter":7}'),
    { code: 'API_UNAVAILABLE', retryAfterMs: 7_000 },
  ],
  ['breaks inside', say(500, '{"code":"INTERNAL","message":"no"}'), { code: 'SIGNER_UNAVAILABLE' }],
  ['finds our request odd', say(400, '{"code":"BODY_INVALID","message":"no"}'), { code: 'SIGNER_DENIED' }],
  ['is a page of some proxy', say(502, '<html>'), { code: 'SIGNER_UNAVAILABLE' }],
  ['answers without a document', say(200, '{}'), { code: 'SIGNER_UNAVAILABLE' }],
  ['never stops', say(200, 'x'.repeat(100_000)), { code: 'SIGNER_UNAVAILABLE' }],
  ['hangs up', (request) => request.socket.destroy(), { code: 'SIGNER_UNAVAILABLE' }],
])('a JWT service that %s', async (_name, listener, error) => {
  await using it = await aService(listener)
  await expect(it.documents.sign(POD, WORKLOAD, never)).rejects.toMatchObject(error)
})

test('a JWT service that is silent is given up (W22)', async () => {
  await using it = await aService(() => undefined, { timeoutMs: 50 })
  await expect(it.documents.sign(POD, WORKLOAD, never)).rejects.toMatchObject({ code: 'SIGNER_UNAVAILABLE' })
})

test('who waits for a connection that another holds hears its signal at once', async () => {
  const asked = Promise.withResolvers<void>()
  await using it = await aService(() => asked.resolve(), { connections: 1, timeoutMs: 60_000 })
  const [holds, waits] = [new AbortController(), new AbortController()]
  const first = it.documents.sign(POD, WORKLOAD, holds.signal)
  await asked.promise
  const second = it.documents.sign(POD, WORKLOAD, waits.signal)
  waits.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  holds.abort(new Error('done'))
  await expect(first).rejects.toThrow('done')
})

test('an agent that stops waits no longer', async () => {
  const stop = new AbortController()
  await using it = await aService(() => stop.abort(new Error('stopping')))
  await expect(it.documents.sign(POD, WORKLOAD, stop.signal)).rejects.toThrow('stopping')
})

const documentOf = (payload: unknown) => `head.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.signature`

test.each<[string, string, string | undefined]>([
  ['an id', documentOf({ jti: 'a1-B2_c3.d4' }), 'a1-B2_c3.d4'],
  ['no id', documentOf({}), undefined],
  ['an id that is a number', documentOf({ jti: 1 }), undefined],
  ['an id that would be a line of its own', documentOf({ jti: 'a\nlevel=error' }), undefined],
  ['an id far too long', documentOf({ jti: 'a'.repeat(65) }), undefined],
  ['a list for claims', documentOf([]), undefined],
  ['nothing', '', undefined],
  ['no json', 'a.b.c', undefined],
])('of a document with %s the log gets what is fit for it', (_name, document, jti) => {
  expect(jtiOf(document)).toBe(jti)
})
