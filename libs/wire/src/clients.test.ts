import { HostError, type HttpRequest, type HttpResponse } from '@pallas/host'
import { describe, expect, test } from 'vitest'
import { createAgentClient } from './agent-client.ts'
import { createJwtClient, type JwtExchangeAnswer } from './jwt-client.ts'
import { parseHandle } from './volume-layout.ts'

const handle = parseHandle('A'.repeat(43))
const b64 = (text: string) => Buffer.from(text).toString('base64')
const CREDENTIALS = JSON.stringify({ ntoken: 'v=S1', certPEM: b64('cert'), caCertPEM: b64('ca') })
const NAMES = JSON.stringify({ commonName: 'a.b', dns: ['x'], ip: [], uri: [] })
const answer = (body: string, status = 200, headers = {}): HttpResponse => ({ status, headers, body })

type Reply = HttpResponse | Error

/** An agent that always gives one reply, and what it was asked. */
function agentThat(reply: Reply) {
  const asked: HttpRequest[] = []
  const http = {
    exchange: async (request: HttpRequest) => {
      asked.push(request)
      if (reply instanceof Error) throw reply
      return reply
    },
  }
  const to = { kind: 'unix', socketPath: '/identity/connect/agent.sock' } as const
  return { asked, client: createAgentClient({ http, to, timeoutMs: 1_000 }) }
}

describe('the client of the agent', () => {
  test('asks for names', async () => {
    const { asked, client } = agentThat(answer(NAMES))
    expect(await client.names(handle)).toEqual({ commonName: 'a.b', dns: ['x'], ip: [], uri: [] })
    expect(asked).toMatchObject([{ method: 'GET', path: `/v1/names/${handle}`, timeoutMs: 1_000 }])
    expect(asked[0]).not.toHaveProperty('body')
  })

  test.each([
    ['init with a csr', 'init', JSON.stringify({ csr: 'csr' })],
    ['init without', 'bare init', undefined],
    ['refresh with a csr', 'refresh', JSON.stringify({ csr: 'csr' })],
    ['refresh with the pair in use', 'pair', JSON.stringify({ keyPEM: b64('key'), certPEM: b64('old') })],
  ])('%s', async (_title, call, body) => {
    const { asked, client } = agentThat(answer(CREDENTIALS))
    const calls: Record<string, () => Promise<unknown>> = {
      init: () => client.init(handle, 'csr'),
      'bare init': () => client.init(handle),
      refresh: () => client.refresh(handle, 'csr'),
      pair: () => client.refresh(handle, { keyPem: 'key', certPem: 'old' }),
    }
    expect(await calls[call]?.()).toEqual({ ntoken: 'v=S1', certPem: 'cert', caPem: 'ca' })
    const route = call.includes('init') ? 'init' : 'refresh'
    expect(asked[0]).toMatchObject({ method: 'POST', path: `/v1/${route}/${handle}` })
    expect(asked[0]?.body).toBe(body)
  })

  const down = { code: 'AGENT_UNAVAILABLE', kind: 'unavailable' }

  test.each<[string, Reply, object]>([
    [
      'a denial',
      answer('{"code":"POD_ENDED","message":"pod has ended"}', 403),
      { code: 'POD_ENDED', kind: 'denied', message: 'pod has ended' },
    ],
    [
      'a wait, and for how long',
      answer('{"code":"POD_IP_PENDING","message":"","retryAfter":2}', 503),
      { code: 'POD_IP_PENDING', kind: 'unavailable', retryAfterMs: 2_000 },
    ],
    ['a wait told by the header', answer('{"code":"BUSY"}', 429, { 'retry-after': '3' }), { retryAfterMs: 3_000 }],
    ['a wait of a year, cut', answer('{"code":"BUSY","retryAfter":31536000}', 429), { retryAfterMs: 3_600_000 }],
    [
      'a wait that is no number',
      answer('{"code":"BUSY","retryAfter":"x"}', 429, { 'retry-after': 'Wed' }),
      { code: 'BUSY', retryAfterMs: undefined },
    ],
    ['other names', answer('{"code":"CSR_NAMES_CHANGED"}', 409), { code: 'CSR_NAMES_CHANGED', kind: 'conflict' }],
    ['a reason that nobody knows', answer('{"code":"toString","message":""}', 403), down],
    ['a stranger that says no', answer('forbidden', 403), { ...down, message: 'refused', fields: { status: 403 } }],
    ['a stranger that says yes', answer('<html>'), down],
    ['an answer without a certificate', answer('{}'), down],
    ['a redirect', answer('', 302), down],
    ['an answer of null', answer('null', 500), down],
    ['no socket', new HostError('HOST_UNREACHABLE', 'no'), { ...down, cause: { code: 'HOST_UNREACHABLE' } }],
    ['no answer in time', new HostError('HOST_TIMEOUT', 'no'), { ...down, cause: { code: 'HOST_TIMEOUT' } }],
  ])('passes on %s', async (_what, reply, error) => {
    const failed = await agentThat(reply).client.init(handle).catch((caught: unknown) => caught)
    expect(failed).toBeInstanceOf(Error)
    for (const [key, value] of Object.entries(error)) {
      const found: unknown = Reflect.get(failed as object, key)
      if (typeof value === 'object') expect(found).toMatchObject(value as object)
      else expect(found).toBe(value)
    }
  })

  test('shows one short line of what a stranger says', async () => {
    const message = `a\n\u001b[31mb${'x'.repeat(1_000)}`
    const { client } = agentThat(answer(JSON.stringify({ code: 'BUSY', message }), 503))
    const error = await client.init(handle).catch((caught: unknown) => caught as Error)
    expect(error).toMatchObject({ message: expect.stringMatching(/^a {2}\[31mbx{190,194}$/) })
  })

  test('shows no key and no request in its errors', async () => {
    const { client } = agentThat(new HostError('HOST_UNREACHABLE', 'no'))
    const error = await client.refresh(handle, { keyPem: 'SECRET', certPem: 'CERT' }).catch((caught: unknown) => caught)
    expect(JSON.stringify(error) + String(error)).not.toMatch(/SECRET|U0VDUkVU/)
  })

  test('is stopped by its signal, and says so with the reason', async () => {
    const stop = new AbortController()
    const http = {
      exchange: (_: HttpRequest, signal?: AbortSignal) =>
        new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new HostError('HOST_IO', 'cut')))
        }),
    }
    const client = createAgentClient({ http, to: { kind: 'tcp', host: '127.0.0.1', port: 1 }, timeoutMs: 1_000 })
    const asking = client.names(handle, stop.signal)
    const reason = new Error('asked to stop')
    stop.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })
})

const subject = { namespace: 'media', name: 'web-0', domain: 'media', service: 'web', ip: '10.1.2.3', uid: undefined }
const clientFor = (reply: JwtExchangeAnswer | Error) =>
  createJwtClient({
    exchange: async ({ method, path, body }) => {
      expect([method, path]).toEqual(['POST', '/v1/jwt'])
      expect(JSON.parse(body)).toMatchObject({ subject: { ID: 'media/web-0' } })
      if (reply instanceof Error) throw reply
      return reply
    },
  })

describe('the client of the jwt service', () => {
  test('gets a document', async () => {
    expect(await clientFor(answer('{"jwt":"a.b.c"}')).sign(subject)).toBe('a.b.c')
  })

  test.each<[string, JwtExchangeAnswer | Error, string, number | undefined]>([
    ['a denial', answer('{"code":"POD_ON_OTHER_NODE"}', 403), 'POD_ON_OTHER_NODE', undefined],
    ['a wait', answer('{"code":"API_UNAVAILABLE","retryAfter":1}', 503), 'API_UNAVAILABLE', 1_000],
    ['a request that was wrong as a denial', answer('{"code":"BODY_INVALID"}', 400), 'SIGNER_DENIED', undefined],
    ['something broken inside', answer('{"code":"INTERNAL"}', 500), 'SIGNER_UNAVAILABLE', undefined],
    ['a stranger that says no', answer('no', 403), 'SIGNER_DENIED', undefined],
    ['a gateway', answer('<html>', 502), 'SIGNER_UNAVAILABLE', undefined],
    ['a gateway that wants us to wait', answer('', 429, { 'retry-after': '7' }), 'SIGNER_UNAVAILABLE', 7_000],
    ['an answer without document', answer('{}'), 'SIGNER_UNAVAILABLE', undefined],
    ['silence', new Error('timeout'), 'SIGNER_UNAVAILABLE', undefined],
  ])('passes on %s', async (_what, reply, code, retryAfterMs) => {
    await expect(clientFor(reply).sign(subject)).rejects.toMatchObject({ code, retryAfterMs })
  })

  test('is stopped by its signal, and says so with the reason', async () => {
    const reason = new Error('asked to stop')
    await expect(clientFor(new Error('cut')).sign(subject, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
