/** What a team brings along from the original's callback, read by our own schema and code (spec/athenz-suite.md 1.1, 4.3, 5, 11.2, 18). */
import { readProgram } from '@pallas/config'
import { systemClock } from '@pallas/runtime'
import { describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { parsePublicKey } from './public-key.ts'
import { type CallbackSettings, program } from './settings.ts'
import { claimsFor, ecKeyPair, es256, KEY_NAME, KEY_URI, rsaKeyPair, signedWith } from './testing/documents.ts'
import { openWorld, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { ask, confirmationOf } from './testing/zts-like.ts'

function read(argv: readonly string[], env: Record<string, string> = {}): CallbackSettings {
  const reading = readProgram(program, { argv, env, version: 'x' })
  if (reading.kind === 'print') throw new Error('printed')
  return reading.settings
}

/** Flag, environment name, a value, the setting and what is read of it; then its default. */
const SETTINGS: readonly (readonly [string, string, string, keyof CallbackSettings, unknown, unknown])[] = [
  ['listen', 'ADDR', ':4444', 'listen', { host: '', port: 4444 }, { host: '', port: 4443 }],
  ['key', 'KEY_FILE', '/k', 'key', '/k', '/var/tls/athenz/private/service.key'],
  ['cert', 'CERT_FILE', '/c', 'cert', '/c', '/var/tls/athenz/public/service.cert'],
  ['sign-pub-dir', 'PUBLIC_KEYS_DIR', '/keys', 'signPubDir', '/keys', '/var/keys/public'],
  ['secret-name', 'SECRET_PREFIX', 'other', 'secretName', 'other', 'athenz-init-secret'],
  ['zts-name', 'ZTS_COMMON_NAME', 'zts.test', 'ztsName', 'zts.test', 'zts.example.cloud'],
  ['shutdown-grace', 'SHUTDOWN_GRACE', '1m', 'shutdownGrace', 60_000, 10_000],
  ['config', 'CONFIG_URL', '/etc/cluster.yaml', 'config', '/etc/cluster.yaml', '/var/cluster/config.yaml'],
]

test.each(SETTINGS)('--%s and %s are taken as of the original, with its default (C10)', (flag, variable, value, setting, expected, byDefault) => {
  for (const dashes of ['-', '--']) expect(read([`${dashes}${flag}=${value}`])[setting]).toEqual(expected)
  expect(read([], { [variable]: value })[setting]).toEqual(expected)
  expect(read([`--${flag}`, value], { [variable]: 'of no use' })[setting]).toEqual(expected)
  expect(read([])[setting]).toEqual(byDefault)
  expect(read([], { [variable]: '' })[setting]).toEqual(byDefault)
})

test('it goes by its original name and by the later one (C1)', () => {
  expect(Object.keys(manifest.bin)).toEqual(['athenz-callback', 'athenz-identityd'])
})

test('DEVIATION: what is wrong with the settings ends it with 64, not 1 (C10)', () => {
  expect(() => read(['--bogus'])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('public keys are SubjectPublicKeyInfo in PEM, of RSA and, what never worked before, of P-256 (C6, W25)', () => {
  expect(parsePublicKey(rsaKeyPair().publicPem)?.algorithm).toBe('RS256')
  expect(parsePublicKey(ecKeyPair().publicPem)?.algorithm).toBe('ES256')
})

async function confirm(world: World, { url }: RunningCallback, path: string, body: unknown) {
  const pair = await world.athenz.issue({ commonName: ZTS_NAME })
  const { status, text } = await ask(path, body, { url, ca: world.services.certPem, pair })
  return { status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text }
}

const goodFor = ({ signing, pod }: Pick<World, 'signing' | 'pod'>) => es256(signing.privateKey, claimsFor(systemClock.now(), pod))

const PATHS = ['/identity', '/instance', '/refresh']

describe('over the wire', () => {
  test.each([
    ['/identity', 'the mock of the original'],
    ['/instance', 'a real zts at a register'],
    ['/refresh', 'a real zts at a refresh'],
  ])('%s is served, for %s (C9)', async (path) => {
    await using world = await openWorld()
    expect(await confirm(world, await world.start(), path, confirmationOf(world.pod, goodFor(world)))).toEqual({
      status: 200,
      body: { provider: 'k8s.admin.athenz-callback', domain: 'media.on-air', service: 'web', attestationData: '', attributes: {} },
    })
  })

  test('an RS256 document of the original’s form verifies, once it carries node, uid and jti (C6, C9)', async () => {
    await using world = await openWorld()
    const rsa = rsaKeyPair()
    await world.publish(`${KEY_NAME}.v1`, rsa.publicPem)
    const callback = await world.start()
    const header = { alg: 'RS256', iss: KEY_URI, typ: 'JWT', kid: `${KEY_NAME}.v1` }
    const document = signedWith('sha256', rsa.privateKey, claimsFor(systemClock.now(), world.pod), header)
    expect((await confirm(world, callback, '/identity', confirmationOf(world.pod, document))).status).toBe(200)
  })

  test.each([
    ['a body that is no json', '{'],
    ['a provider that is missing', { domain: 'd', service: 's', attestationData: 'x' }],
    ['a domain that is missing', { provider: 'p', service: 's', attestationData: 'x' }],
    ['a service that is missing', { provider: 'p', domain: 'd', attestationData: 'x' }],
  ])('%s is 400 at every path (C9)', async (_what, body) => {
    await using world = await openWorld()
    const callback = await world.start()
    for (const path of PATHS) expect((await confirm(world, callback, path, body)).status).toBe(400)
  })

  test.each<[string, string, (world: World) => object]>([
    ['a signature that does not verify', 'DOCUMENT_SIGNATURE', (world) => confirmationOf(world.pod, goodFor({ ...world, signing: ecKeyPair() }))],
    ['another audience', 'DOCUMENT_AUDIENCE', ({ pod, signing }) =>
      confirmationOf(pod, es256(signing.privateKey, { ...claimsFor(systemClock.now(), pod), aud: 'other' }))],
    ['a subject that is not the pod', 'SUBJECT_MISMATCH', ({ pod, signing }) =>
      confirmationOf(pod, es256(signing.privateKey, claimsFor(systemClock.now(), { ...pod, ip: '10.9.9.9' })))],
    ['another service than the subject says', 'SERVICE_MISMATCH', (world) => ({ ...confirmationOf(world.pod, goodFor(world)), service: 'db' })],
  ])('%s is 403 (C9)', async (_what, code, body) => {
    await using world = await openWorld()
    expect(await confirm(world, await world.start(), '/identity', body(world))).toMatchObject({ status: 403, body: { code } })
  })

  test('healthz says ok to who has the certificate of zts (C9)', async () => {
    await using world = await openWorld()
    const { url } = await world.start()
    const pair = await world.athenz.issue({ commonName: ZTS_NAME })
    for (const [method, text] of [['GET', 'ok\n'], ['HEAD', '']] as const) {
      expect(await ask('/healthz', '', { url, ca: world.services.certPem, pair, method })).toMatchObject({ status: 200, text })
    }
  })

  test('DEVIATION: no attestation data is 403 and no 400: a real zts sends null at a refresh (C9)', async () => {
    await using world = await openWorld()
    const answer = await confirm(world, await world.start(), '/refresh', confirmationOf(world.pod, null))
    expect(answer).toMatchObject({ status: 403, body: { code: 'DOCUMENT_MISSING' } })
  })

  test('DEVIATION: what was asked is not echoed: a real zts would hand the attributes to the client (C9)', async () => {
    await using world = await openWorld()
    const { body } = await confirm(world, await world.start(), '/identity', confirmationOf(world.pod, goodFor(world)))
    expect(body).toMatchObject({ attestationData: '', attributes: {} })
  })

  test.each(['sanDNS', 'sanIP', 'sanURI', 'instanceId'])('DEVIATION: %s is compared, where the original looked at none (C9, W6)', async (name) => {
    await using world = await openWorld()
    const wrong = confirmationOf(world.pod, goodFor(world), { [name]: 'other' })
    expect((await confirm(world, await world.start(), '/identity', wrong)).status).toBe(403)
  })

  test('DEVIATION: an API server that is away is 504, not 403 (C9, W27)', async () => {
    await using world = await openWorld()
    const callback = await world.start()
    world.api.faults.away()
    expect((await confirm(world, callback, '/identity', confirmationOf(world.pod, goodFor(world)))).status).toBe(504)
  })
})
