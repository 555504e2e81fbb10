import { createPublicKey } from 'node:crypto'
import { connect } from 'node:tls'
import { systemClock } from '@pallas/runtime'
import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  AGENT,
  askAs,
  bodyFor,
  call,
  KEY_ID,
  NAMESPACE,
  type Opened,
  openService,
  probe,
  signing,
  signingPem,
} from './testing/world.ts'

describe('a document', () => {
  test.each([
    ['the name of the node', ['node-1']],
    ['its hostname', ['one.example']],
  ])('is signed for the agent whose certificate carries %s (C5, C6)', async (_name, dns) => {
    await using it = await openService()
    const { status, text } = await askAs(it, bodyFor(it), dns)
    expect(status).toBe(200)
    const { jwt } = JSON.parse(text) as { jwt: string }
    const { payload, protectedHeader } = await jwtVerify(
      jwt,
      createPublicKey(signing.privateKey),
      { audience: 'k8s-athenz-identity' },
    )
    expect(protectedHeader).toEqual({
      alg: 'ES256',
      typ: 'JWT',
      kid: KEY_ID,
      iss: 'secret:athenz-init-secret?version=v1',
    })
    expect(payload).toMatchObject({
      sub: `pod:${NAMESPACE}/web-1?d=media.on-air&n=web&i=10.1.2.1`,
      node: 'node-1',
      uid: it.pods[0]!.uid,
    })
    expect(payload.exp! - payload.iat!).toBe(300)
    expect(it.log.text()).not.toContain(jwt)
    expect(it.log.text()).toContain(String(payload.jti))
  })

  test('is signed for a body as the original sent it: any case, no UID, more than asked (C5)', async () => {
    await using it = await openService()
    const body = {
      Subject: { id: `${NAMESPACE}/web-1`, DOMAIN: 'media.on-air', service: 'web', ip: '10.1.2.1' },
      more: true,
    }
    expect(await askAs(it, body)).toMatchObject({ status: 200 })
  })

  test('is told with the ids of its request and of itself; a refusal in a loop is told once (W28)', async () => {
    await using it = await openService()
    await askAs(it, bodyFor(it))
    const pair = await it.agent()
    for (let n = 0; n < 10; n++) await call(it, '/v1/jwt', bodyFor(it, 2), { pair })
    const lines = it.log.records.filter(({ msg }) => /^(document (not )?signed|request refused)$/.test(String(msg)))
    expect(lines).toEqual([
      expect.objectContaining({ msg: 'document signed', requestId: expect.any(String), jti: expect.any(String), keyId: KEY_ID }),
      expect.objectContaining({ msg: 'document not signed', requestId: expect.any(String), reason: 'POD_ON_OTHER_NODE', node: 'node-1' }),
    ])
    expect(JSON.stringify(lines)).not.toContain('stack')
    expect(await it.metrics.value('documents_total', { code: 'POD_ON_OTHER_NODE' })).toBe(10)
  })

  test('has an id of its own each time', async () => {
    await using it = await openService()
    const texts = await Promise.all(Array.from({ length: 10 }, async () => (await askAs(it, bodyFor(it))).text))
    expect(new Set(texts).size).toBe(10)
  })

  test('needs no more of the API server than pods and nodes (W19)', async () => {
    await using it = await openService()
    await askAs(it, bodyFor(it))
    await askAs(it, bodyFor(it, 2))
    const kinds = it.calls.map((made) => made.replace(/\?.*/, '').replace(/web-\d$/, 'NAME'))
    const wanted = ['nodes', 'pods', `namespaces/${NAMESPACE}/pods/NAME`].map((path) => `GET /api/v1/${path}`)
    expect(new Set(kinds)).toEqual(new Set(wanted))
  })
})

describe('refused', () => {
  test.each<[string, string, Parameters<typeof askAs>[2], string | undefined, (it: Opened) => unknown]>([
    ['a certificate of another service', 'CALLER_NOT_ALLOWED', ['node-1'], 'media.on-air.web', (it) => bodyFor(it)],
    ['the agent of node-1 for a pod on node-2', 'POD_ON_OTHER_NODE', ['node-1'], undefined, (it) => bodyFor(it, 2)],
    ['an agent of no node of the cluster', 'NODE_UNKNOWN', ['node-9'], undefined, (it) => bodyFor(it)],
    ['an agent that names two nodes', 'NODE_UNKNOWN', ['node-1', 'node-2'], undefined, (it) => bodyFor(it)],
    ['an agent that names none', 'NODE_UNKNOWN', [], undefined, (it) => bodyFor(it)],
    [
      'a pod that is not there',
      'POD_UNKNOWN',
      ['node-1'],
      undefined,
      (it) => bodyFor(it, 1, { ID: `${NAMESPACE}/web-9` }),
    ],
    [
      'another pod of that name',
      'POD_UNKNOWN',
      ['node-1'],
      undefined,
      (it) => bodyFor(it, 1, { UID: '11111111-2222-3333-4444-555555555555' }),
    ],
    ['another domain', 'DOMAIN_MISMATCH', ['node-1'], undefined, (it) => bodyFor(it, 1, { Domain: 'media' })],
    ['another service', 'SERVICE_MISMATCH', ['node-1'], undefined, (it) => bodyFor(it, 1, { Service: 'db' })],
    ['another address', 'SUBJECT_MISMATCH', ['node-1'], undefined, (it) => bodyFor(it, 1, { IP: '10.1.2.2' })],
  ])('%s: %s (T23, W5)', async (_name, code, dns, commonName, body) => {
    await using it = await openService()
    expect(await askAs(it, body(it), dns, commonName)).toMatchObject({ status: 403, code })
    expect(await it.metrics.value('documents_total', { code: 'OK' })).toBe(0)
  })

  test.each([
    ['whoever has no certificate', async () => ({})],
    [
      'an agent of another authority',
      async ({ athenz }: Opened) => ({ pair: await athenz.issue({ commonName: AGENT, dns: ['node-1'] }) }),
    ],
    ['an agent whose certificate has expired', async ({ services }: Opened) => ({
      pair: await services.issue({
        commonName: AGENT,
        dns: ['node-1'],
        notBefore: systemClock.now() - 7_200_000,
        lifeMs: 3_600_000,
      }),
    })],
  ])('%s, in the handshake (T23)', async (_name, other) => {
    await using it = await openService()
    await expect(call(it, '/v1/jwt', bodyFor(it), await other(it))).rejects.toThrow()
  })

  test('a session of before: every connection shows its certificate (T23)', async () => {
    await using it = await openService()
    const { keyPem, certPem } = await it.agent()
    const handshake = (session?: Buffer) =>
      new Promise<{ readonly sessions: readonly Buffer[]; readonly reused: boolean }>((resolve, reject) => {
        const sessions: Buffer[] = []
        let reused = true
        const options = {
          host: '127.0.0.1',
          port: Number(new URL(it.service.url).port),
          ca: it.services.certPem,
          key: keyPem,
          cert: certPem,
        }
        const socket = connect({ ...options, ...(session === undefined ? {} : { session }) }, () => {
          reused = socket.isSessionReused()
          socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
        })
        socket.on('session', (it: Buffer) => sessions.push(it))
        socket.once('error', reject)
        socket.once('close', () => resolve({ sessions, reused }))
        socket.resume()
      })
    const { sessions } = await handshake()
    expect(sessions).not.toEqual([])
    for (const session of sessions) expect((await handshake(session)).reused).toBe(false)
  })
})

describe('a bad body', () => {
  test.each([
    ['is not json', '{"subject":'],
    ['has no subject', {}],
    ['names no pod', { subject: { ID: 'web', Domain: 'd', Service: 's', IP: 'i' } }],
    ['names a path', { subject: { ID: '../secrets/x', Domain: 'd', Service: 's', IP: 'i' } }],
    ['says one thing twice', `{"subject":{"ID":"a/b","id":"a/c","Domain":"d","Service":"s","IP":"i"}}`],
    ['is empty', ''],
  ])('that %s is 400', async (_name, body) => {
    await using it = await openService()
    expect(await askAs(it, body)).toMatchObject({ status: 400, code: 'BODY_INVALID' })
    expect(it.calls.filter((made) => made.includes('pods'))).toEqual([])
  })

  test('that is too long is 413', async () => {
    await using it = await openService()
    expect(
      await askAs(it, bodyFor(it, 1, { Domain: 'x'.repeat(20_000) })),
    ).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
  })
})

describe('not now', () => {
  test('while the API server is away, for whom the watch has not seen; and yes when it is back', async () => {
    await using it = await openService({ verbs: ['get'] })
    it.api.faults.away()
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 503, code: 'API_UNAVAILABLE' })
    it.api.faults.clear()
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
  })

  test('while two nodes have the address in the certificate; the log says which, and names win over addresses', async () => {
    await using it = await openService()
    const addresses = ['one.example', 'node-1'].map((address) => ({ type: 'InternalDNS', address }))
    await it.api.client('admin').patch('/api/v1/nodes/node-2/status', { kind: 'merge', patch: { status: { addresses } } })
    expect(await askAs(it, bodyFor(it), ['one.example'])).toMatchObject({ status: 503, code: 'NODE_AMBIGUOUS' })
    expect(await it.metrics.value('documents_total', { code: 'NODE_AMBIGUOUS' })).toBe(1)
    expect(it.log.text()).toContain('"nodes":["node-1","node-2"]')
    expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 200 })
  })

  test('without a usable key; not ready, and the key that cannot be read is nowhere (W18, T46)', async () => {
    const broken = signingPem.replace('PRIVATE KEY', 'PRIVATE  KEY')
    await using it = await openService({ keyPem: broken })
    const { status, code, text } = await askAs(it, bodyFor(it))
    expect({ status, code }).toEqual({ status: 503, code: 'SIGNING_KEY_UNAVAILABLE' })
    expect(await probe(it, '/readyz')).toBe(503)
    const secret = broken.split('\n')[1]!.slice(0, 20)
    expect(text + it.log.text()).not.toContain(secret)
  })
})

describe('health', () => {
  test('has an admin listener without certificates, and the original healthz with one (W28)', async () => {
    await using it = await openService()
    expect(await probe(it, '/healthz')).toBe(200)
    expect(await probe(it, '/readyz')).toBe(200)
    expect(
      await call(it, '/healthz', '', { pair: await it.agent(), method: 'GET' }),
    ).toMatchObject({ status: 200, text: 'ok\n' })
  })

  test('needs the certificate of an agent on the main listener', async () => {
    await using it = await openService()
    const answer = await call(
      it,
      '/healthz',
      '',
      { pair: await it.agent(['node-1'], 'media.on-air.web'), method: 'GET' },
    )
    expect(answer).toMatchObject({ status: 403, code: 'CALLER_NOT_ALLOWED' })
  })
})

test('the common name of agents may be the original one', async () => {
  await using it = await openService({ argv: ['--identity-cn', 'k8s.admin.k8s-node'] })
  expect(await askAs(it, bodyFor(it), ['node-1'], 'k8s.admin.k8s-node')).toMatchObject({ status: 200 })
  expect(await askAs(it, bodyFor(it))).toMatchObject({ status: 403 })
})
