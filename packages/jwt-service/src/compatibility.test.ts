/** What a team brings along from the original's JWT service, read by our own schema and code (spec/athenz-suite.md 1.1, 4, 11.2, 18). */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readProgram } from '@pallas/config'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { type JwtServiceSettings, program } from './settings.ts'
import { parseSigningKey } from './signing-key.ts'
import { AGENT, askAs, bodyFor, call, KEY_ID, openService } from './testing/world.ts'

function read(argv: readonly string[], env: Record<string, string> = {}): JwtServiceSettings {
  const reading = readProgram(program, { argv, env, version: 'x' })
  if (reading.kind === 'print') throw new Error('printed')
  return reading.settings
}

/** Flag, environment name, a value, the setting and what is read of it. */
const SETTINGS: readonly (readonly [string, string, string, keyof JwtServiceSettings, unknown])[] = [
  ['listen', 'ADDR', ':4444', 'listen', { host: '', port: 4444 }],
  ['sign-key-dir', 'PRIVATE_KEYS_DIR', '/keys', 'signKeyDir', '/keys'],
  ['secret-name', 'SECRET_PREFIX', 'other-secret', 'secretName', 'other-secret'],
  ['key', 'KEY_FILE', '/k', 'key', '/k'],
  ['cert', 'CERT_FILE', '/c', 'cert', '/c'],
  ['identity-cn', 'IDENTITY_CN', 'k8s.admin.k8s-node', 'identityCn', 'k8s.admin.k8s-node'],
  ['token-expiry', 'TOKEN_EXPIRY', '1m30s', 'tokenExpiry', 90_000],
  ['shutdown-grace', 'SHUTDOWN_GRACE', '5s', 'shutdownGrace', 5_000],
  ['config', 'CONFIG_URL', '/etc/cluster.yaml', 'config', '/etc/cluster.yaml'],
]
const NEEDED = { KEY_FILE: '/k', CERT_FILE: '/c' }

test.each(SETTINGS)('--%s and %s are taken as of the original, the flag before the variable (C10)', (flag, variable, value, setting, expected) => {
  for (const dashes of ['-', '--']) {
    expect(read([`${dashes}${flag}=${value}`], NEEDED)[setting]).toEqual(expected)
    expect(read([`${dashes}${flag}`, value], NEEDED)[setting]).toEqual(expected)
  }
  expect(read([], { ...NEEDED, [variable]: value })[setting]).toEqual(expected)
  expect(read([`--${flag}=${value}`], { ...NEEDED, [variable]: 'of no use' })[setting]).toEqual(expected)
})

test.each<[keyof JwtServiceSettings, unknown]>([
  ['listen', { host: '', port: 4443 }],
  ['signKeyDir', '/var/keys/private'],
  ['secretName', 'athenz-init-secret'],
  ['tokenExpiry', 300_000],
  ['shutdownGrace', 10_000],
  ['config', '/var/cluster/config.yaml'],
])('the default of %s is the original one, also for an empty variable (C10)', (setting, expected) => {
  const [, variable = ''] = SETTINGS.find((row) => row[3] === setting) ?? []
  expect(read([], NEEDED)[setting]).toEqual(expected)
  expect(read([], { ...NEEDED, [variable]: '' })[setting]).toEqual(expected)
})

test('it goes by its original name (C1)', () => {
  expect(Object.keys(manifest.bin)).toEqual(['athenz-jwt-service'])
})

test('DEVIATION: --identity-cn may be left out: <admin-domain>.athenz-identity-agent is meant then (C10, W5)', () => {
  expect(read([], NEEDED).identityCn).toBeUndefined()
})

test('DEVIATION: settings that are wrong end it with 64, not 1, and --token-expiry has bounds (C10)', () => {
  for (const argv of [['--bogus'], ['--token-expiry=0s'], ['--token-expiry=1h']]) {
    expect(() => read(argv, NEEDED)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  }
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

test.each([
  ['RSA PRIVATE KEY', rsa.export({ type: 'pkcs1', format: 'pem' }), 'RS256'],
  ['EC PRIVATE KEY', ec.export({ type: 'sec1', format: 'pem' }), 'ES256'],
  ['PRIVATE KEY', rsa.export({ type: 'pkcs8', format: 'pem' }), 'RS256'],
  ['PRIVATE KEY', ec.export({ type: 'pkcs8', format: 'pem' }), 'ES256'],
])('a signing key in a PEM %s is read; those of elliptic curves work, and what openssl 3 writes (C6, W25)', (label, pem, algorithm) => {
  expect(pem).toContain(`-----BEGIN ${label}-----`)
  expect(parseSigningKey(pem)?.algorithm).toBe(algorithm)
})

describe('over the wire', () => {
  test('an agent of the original gets its document: header iss, aud, exp, iat, iss and sub as ever (C5, C6)', async () => {
    const keyPem = rsa.export({ type: 'pkcs1', format: 'pem' })
    await using it = await openService({ keyPem, argv: ['--identity-cn', 'k8s.admin.k8s-node'] })
    const body = { subject: { ID: 'media-on--air/web-1', Domain: 'media.on-air', Service: 'web', IP: '10.1.2.1' } }
    const { status, text } = await askAs(it, body, ['node-1'], 'k8s.admin.k8s-node')
    expect(status).toBe(200)
    const { jwt, ...more } = JSON.parse(text) as { jwt: string }
    expect(more).toEqual({})
    const uri = 'secret:athenz-init-secret?version=v1'
    expect(decodeProtectedHeader(jwt)).toMatchObject({ alg: 'RS256', typ: 'JWT', iss: uri })
    const { payload } = await jwtVerify(jwt, createPublicKey(rsa), { audience: 'k8s-athenz-identity', issuer: uri })
    expect(payload.sub).toBe('pod:media-on--air/web-1?d=media.on-air&n=web&i=10.1.2.1')
    expect(payload.exp! - payload.iat!).toBe(300)
    expect(KEY_ID).toBe('athenz-init-secret.v1')
  })

  test('healthz says ok, and needs the certificate of an agent (C5)', async () => {
    await using it = await openService()
    for (const method of ['GET', 'HEAD']) {
      expect(await call(it, '/healthz', '', { pair: await it.agent(), method })).toMatchObject({ status: 200 })
    }
    expect((await call(it, '/healthz', '', { pair: await it.agent(), method: 'GET' })).text).toBe('ok\n')
    await expect(call(it, '/healthz', '', { method: 'GET' })).rejects.toThrow()
  })

  test('a body that is no json is 400 (C5)', async () => {
    await using it = await openService()
    expect(await askAs(it, '{"subject"')).toMatchObject({ status: 400 })
  })

  test.each<[string, number, number, string, (it: Awaited<ReturnType<typeof openService>>) => object]>([
    ['a subject with a member missing', 500, 400, 'BODY_INVALID', () => ({ subject: { ID: 'a/b' } })],
    ['a subject that is not the pod', 200, 403, 'SUBJECT_MISMATCH', (it) => bodyFor(it, 1, { IP: '10.9.9.9' })],
    ['a pod of another node', 200, 403, 'POD_ON_OTHER_NODE', (it) => bodyFor(it, 2)],
  ])('DEVIATION: %s is not %i but %i, with a reason in JSON (C5, W5, W18)', async (_what, _before, status, code, body) => {
    await using it = await openService()
    expect(await askAs(it, body(it))).toMatchObject({ status, code })
  })

  test('DEVIATION: without a usable key it is not now, 503 rather than 500 (C5, W27)', async () => {
    await using it = await openService({ keyPem: 'hello' })
    expect(await askAs(it, bodyFor(it), ['node-1'], AGENT)).toMatchObject({ status: 503, code: 'SIGNING_KEY_UNAVAILABLE' })
  })
})
