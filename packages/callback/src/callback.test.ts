import { request as httpRequest } from 'node:http'
import { connect } from 'node:tls'
import { systemClock } from '@pallas/runtime'
import { describe, expect, test } from 'vitest'
import { claimsFor, es256, goodHeader, hs256, segment } from './testing/documents.ts'
import { openWorld, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { ask, type Answer, confirmationOf } from './testing/zts-like.ts'

async function openOne(...argv: string[]) {
  const world = await openWorld()
  const callback = await world.start(...argv)
  return { ...(await zts(world, callback)), world, callback, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

/** ZTS and what it asks this callback. */
async function zts(world: World, { url }: RunningCallback) {
  const pair = await world.athenz.issue({ commonName: ZTS_NAME })
  const options = { url, ca: world.services.certPem, pair }
  const document = () => es256(world.signing.privateKey, claimsFor(systemClock.now(), world.pod))
  return {
    options,
    document,
    confirm: (path: string, attestationData: string | null, attributes?: Record<string, string>) =>
      ask(path, confirmationOf(world.pod, attestationData, attributes), options),
  }
}

const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code?: unknown }).code

describe('a yes', () => {
  test.each(['/identity', '/instance', '/refresh'])('at %s is 200, application/json and five keys (C9)', async (path) => {
    await using it = await openOne()
    const { status, headers, text } = await it.confirm(path, it.document())
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json' })
    expect(JSON.parse(text)).toEqual({
      provider: 'k8s.admin.athenz-callback',
      domain: 'media.on-air',
      service: 'web',
      attestationData: '',
      attributes: {},
    })
  })

  test('needs no more of the API server than pods and leases, and the keys of tokens (W19)', async () => {
    await using it = await openOne()
    expect((await it.confirm('/instance', it.document())).status).toBe(200)
    expect(it.world.calls).toContain('POST /apis/coordination.k8s.io/v1/namespaces/k8s-admin/leases')
    const kinds = it.world.calls.map((call) => /\/v1\/(?:namespaces\/[^/]+\/)?([a-z]+)/.exec(call)?.[1])
    expect(new Set([...kinds, 'jwks'])).toEqual(new Set(['pods', 'leases', 'jwks']))
  })

  test('depends on the address of the node where the policy says so', async () => {
    await using it = await openOne('--client-ip', 'node')
    expect(codeOf(await it.confirm('/instance', it.document()))).toBe('CLIENT_IP_MISMATCH')
    expect((await it.confirm('/instance', it.document(), { clientIP: '10.0.0.1' })).status).toBe(200)
  })
})

describe('a no', () => {
  test('is 403 with a reason, the same in body, log and metric, and the id of the document in the log (W6, W28)', async () => {
    await using it = await openOne()
    const answer = await it.confirm('/instance', it.document(), { sanIP: '10.1.2.4' })
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 403, code: 'SAN_IP_MISMATCH' })
    expect(it.callback.log.records).toContainEqual(
      expect.objectContaining({ reason: 'SAN_IP_MISMATCH', pod: 'media-on--air/web-0', jti: expect.any(String) }),
    )
    expect(await it.callback.metrics.value('confirmations_total', { code: 'SAN_IP_MISMATCH' })).toBe(1)
  })

  test('in a loop is told once, and counted each time; every line says its request and its document (W28)', async () => {
    await using it = await openOne()
    for (let n = 0; n < 10; n++) await it.confirm('/instance', it.document(), { sanIP: '10.1.2.4' })
    await it.confirm('/instance', it.document())
    const lines = it.callback.log.records.filter(({ msg }) => /^(instance (not )?confirmed|request refused)$/.test(String(msg)))
    expect(lines.map(({ msg }) => msg)).toEqual(['instance not confirmed', 'instance confirmed'])
    for (const line of lines) expect(line).toMatchObject({ requestId: expect.any(String), jti: expect.any(String) })
    expect(JSON.stringify(lines)).not.toContain('stack')
    expect(await it.callback.metrics.value('confirmations_total', { code: 'SAN_IP_MISMATCH' })).toBe(10)
  })

  test('is never given to bytes that are no request: zts would pass on a 400 as one (W27)', async () => {
    await using it = await openOne()
    const { url, ca, pair } = it.options
    const options = { host: '127.0.0.1', port: Number(new URL(url).port), ca, key: pair.keyPem, cert: pair.certPem }
    for (const bytes of ['hello\r\n\r\n', `POST /instance HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`]) {
      const socket = connect({ ...options, checkServerIdentity: () => undefined })
      socket.write(bytes)
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text).toMatch(/^HTTP\/1\.1 504 /)
    }
  })

  test('is given to a refresh whose attestation data are null (T22)', async () => {
    await using it = await openOne()
    const answer = await it.confirm('/refresh', null)
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 403, code: 'DOCUMENT_MISSING' })
  })

  test('to every forged document is 403 in one shape, and no document is ever logged (T21, T46)', async () => {
    await using it = await openOne()
    const good = claimsFor(systemClock.now(), it.world.pod)
    const key = it.world.signing.privateKey
    const forged = [
      `${segment({ ...goodHeader, alg: 'none' })}.${segment(good)}.`,
      hs256(it.world.signing.publicPem, good, { ...goodHeader, alg: 'HS256' }),
      hs256(` ${it.world.signing.publicPem}`, good, { ...goodHeader, alg: 'HS256' }),
      es256(key, good, { ...goodHeader, kid: 'athenz-init-secret.v9' }),
      es256(key, good, { ...goodHeader, crit: ['exp'] }),
      es256(key, JSON.stringify(good).replace('{', '{"uid":"x",')),
      es256(key, JSON.stringify(good).replace('{', '{"__proto__":"x",')),
      es256(key, `{"a":${'['.repeat(5_000)}`),
      es256(key, { ...good, aud: [good.aud] }),
      es256(key, { ...good, exp: undefined }),
      es256(key, { ...good, exp: 253_402_300_799 }),
      es256(key, { ...good, iat: good.iat + 3_600 }),
      es256(key, { ...good, iss: 'x' }),
      'x'.repeat(200_000),
    ]
    for (const document of forged) {
      const { status, text } = await it.confirm('/instance', document)
      expect(status).toBe(403)
      expect(JSON.parse(text)).toEqual({ code: expect.stringMatching(/^DOCUMENT_/), message: expect.any(String) })
      expect(it.callback.log.text()).not.toContain(document.slice(0, 40))
    }
    expect((await it.confirm('/instance', it.document())).status).toBe(200)
  })

  test('ten megabytes do not hurt (T21, W22)', async () => {
    await using it = await openOne()
    const answer = await it.confirm('/instance', 'x'.repeat(10_000_000)).catch((error: unknown) => error)
    if (answer instanceof Error) expect(answer).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/) })
    else expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('BODY_TOO_LARGE') })
    expect((await it.confirm('/instance', it.document())).status).toBe(200)
  })

  test.each([
    ['a body that is no json', '{"provider":'],
    ['a body with __proto__', '{"__proto__":{"x":1},"provider":"x"}'],
    ['a body of another form', { provider: 1 }],
    ['an empty body', ''],
  ])('to %s is 400 (C9)', async (_name, body) => {
    await using it = await openOne()
    const answer = await ask('/instance', body, it.options)
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 400, code: 'BODY_INVALID' })
  })
})

describe('not now is 504, the one status that zts passes on as such', () => {
  test('while the API server is away, whatever it does; and yes when it is back (W27)', async () => {
    await using it = await openOne()
    for (const fault of [
      () => it.world.api.faults.away(),
      () => it.world.api.faults.status(500),
      () => it.world.api.faults.status(403),
    ]) {
      fault()
      const answer = await it.confirm('/instance', it.document())
      expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 504, code: 'API_UNAVAILABLE' })
    }
    it.world.api.faults.status(429, 7)
    const busy = await it.confirm('/instance', it.document())
    expect(busy).toMatchObject({ status: 504, headers: { 'retry-after': '7' } })
    expect(JSON.parse(busy.text)).toMatchObject({ code: 'API_UNAVAILABLE', retryAfter: 7 })
    it.world.api.faults.clear()
    expect((await it.confirm('/instance', it.document())).status).toBe(200)
  })

  test('for a pod without an address yet (W29)', async () => {
    await using it = await openOne()
    await it.world.patchPod({ podIP: null })
    const answer = await it.confirm('/instance', it.document())
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 504, code: 'POD_IP_PENDING' })
  })
})

describe('one document, one use', () => {
  test('of twenty requests at two replicas exactly one is told yes (T20, W7)', async () => {
    await using world = await openWorld()
    const replicas = await Promise.all([world.start(), world.start()])
    const asking = await Promise.all(replicas.map((replica) => zts(world, replica)))
    const document = asking[0]!.document()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => asking[index % 2]!.confirm('/instance', document)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status !== 200).map(codeOf)).toEqual(Array(19).fill('DOCUMENT_REPLAYED'))
  })

  test('it stays used when the callback starts anew (T20)', async () => {
    await using world = await openWorld()
    const before = await world.start()
    const first = await zts(world, before)
    const document = first.document()
    expect((await first.confirm('/instance', document)).status).toBe(200)
    await before[Symbol.asyncDispose]()
    const after = await zts(world, await world.start())
    expect(codeOf(await after.confirm('/refresh', document))).toBe('DOCUMENT_REPLAYED')
  })
})

describe('only zts is heard', () => {
  test('another service of athenz is denied (T22)', async () => {
    await using it = await openOne()
    const pair = await it.world.athenz.issue({ commonName: 'media.on-air.web' })
    const answer = await ask('/instance', {}, { ...it.options, pair })
    expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status: 403, code: 'CALLER_NOT_ALLOWED' })
  })

  test.each([
    ['whoever has no certificate', async () => ({ pair: undefined })],
    [
      'a zts of another authority',
      async (world: World) => ({ pair: await world.services.issue({ commonName: ZTS_NAME }) }),
    ],
    ['a zts whose certificate has expired', async ({ athenz }: World) => ({
      pair: await athenz.issue({ commonName: ZTS_NAME, notBefore: systemClock.now() - 7_200_000, lifeMs: 3_600_000 }),
    })],
  ])('%s does not get through the handshake (T22)', async (_name, other) => {
    await using it = await openOne()
    const { pair: _pair, ...options } = it.options
    const { pair } = await other(it.world)
    await expect(ask('/instance', {}, pair === undefined ? options : { ...options, pair })).rejects.toThrow()
  })

  test('no session is resumed: each connection shows its certificate (T23)', async () => {
    await using it = await openOne()
    const { url, ca, pair } = it.options
    const handshake = (session?: Buffer) =>
      new Promise<{ session: Buffer | undefined; reused: boolean }>((resolve, reject) => {
        const port = Number(new URL(url).port)
        const options = {
          host: '127.0.0.1',
          port,
          ca,
          key: pair.keyPem,
          cert: pair.certPem,
          maxVersion: 'TLSv1.2' as const,
        }
        const again = session === undefined ? {} : { session }
        const socket = connect({ ...options, ...again, checkServerIdentity: () => undefined }, () => {
          resolve({ session: socket.getSession(), reused: socket.isSessionReused() })
          socket.destroy()
        })
        socket.once('error', reject)
      })
    const { session } = await handshake()
    expect((await handshake(session)).reused).toBe(false)
  })

  test('probes reach the admin listener without a certificate, and the original healthz with one (W28)', async () => {
    await using it = await openOne()
    const healthz = await ask('/healthz', '', { ...it.options, method: 'GET' })
    expect(healthz).toMatchObject({ status: 200, text: 'ok\n' })
    const ready = await new Promise<number | undefined>((resolve, reject) => {
      const url = `${it.callback.adminUrl}/readyz`
      httpRequest(url, (response) => resolve(response.resume().statusCode)).once('error', reject).end()
    })
    expect(ready).toBe(200)
  })
})
