/**
 * Role certificates and tokens on the real home, from a ZTS that is as strict as the recorded one: sockets, mutual TLS,
 * files, and what openssl and a relying party make of them.
 */
import { nodeHost } from '@pallas/linux'
import { readCertificate, readCertificates } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { readJws, readRoleToken } from '@pallas/zts/testing'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { runSia } from '../sia.ts'
import { openRealAgent } from '../testing/real-agent.ts'
import { openRealZts, type RealZts } from '../testing/real-zts.ts'
import { NAMES } from '../testing/test-agent.ts'
import { until } from '../testing/until.ts'

const READER = 'media.on-air:role.reader'

const openssl = (...argv: readonly string[]) => execFileSync('openssl', argv, { encoding: 'utf8', stdio: 'pipe' })

async function open(options: { readonly lifeMs?: number } = {}) {
  await using scope = new AsyncDisposableStack()
  const { root, ca, agent, argv } = scope.use(await openRealAgent(options))
  const zts = scope.use(await openRealZts(ca))
  zts.allow('media.on-air', 'reader', NAMES.commonName)
  await writeFile(`${root}/ca.pem`, zts.caPem)
  const env = {
    MODE: 'init',
    SIA_ZTS_ENDPOINT: zts.url,
    SERVER_CA_CERT: `${root}/ca.pem`,
    TARGET_DOMAIN_ROLES: READER,
    ROLECERT_DIR: `${root}/roles`,
    ROLE_CERT_KEY_FILE_OUTPUT: 'true',
    INTERMEDIATE_CERT_BUNDLE: 'athenz',
    TOKEN_DIR: `${root}/tokens`,
    TOKEN_TYPE: 'roletoken+accesstoken',
  }
  const begin = (more: Record<string, string> = {}) => start(argv, { ...env, ...more })
  const run = async (more?: Record<string, string>) => {
    const { done, said } = begin(more)
    return { code: await done, said: said() }
  }
  const parts = scope.move()
  return { root, zts, agent, begin, run, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

type Opened = Awaited<ReturnType<typeof open>>

function start(argv: readonly string[], env: Record<string, string>) {
  const said: string[] = []
  const stop = new AbortController()
  const tell = (line: string) => void said.push(line)
  const done = runSia(nodeHost(), { argv: ['--init-timeout=2s', ...argv], env, signal: stop.signal, out: tell, err: tell })
  const times = (message: string) => said.filter((line) => line.includes(message)).length
  return { done, times, stop: () => stop.abort(), said: () => said.join('') }
}

const pubkeyOf = (kind: 'pkey' | 'x509', path: string) =>
  kind === 'pkey' ? openssl('pkey', '-in', path, '-pubout') : openssl('x509', '-in', path, '-noout', '-pubkey')

test.each(['pod', 'agent'])('with a key of the %s all certificates are for it and openssl trusts them', async (origin) => {
  await using it = await open()
  expect(await it.run({ SIA_KEY_ORIGIN: origin })).toMatchObject({ code: 0 })
  const role = `${it.root}/roles/${READER}`
  expect(openssl('verify', '-CAfile', `${it.root}/tls/cacert.pem`, '-purpose', 'sslclient', `${role}.cert.pem`)).toContain('OK')
  for (const cert of [`${role}.cert.pem`, `${it.root}/tls/service.cert`]) {
    expect(pubkeyOf('x509', cert)).toBe(pubkeyOf('pkey', `${role}.key.pem`))
  }
  const said = openssl('x509', '-in', `${role}.cert.pem`, '-noout', '-subject', '-ext', 'subjectAltName')
  expect(said).toContain(`CN = ${READER}`)
  expect(said).toContain(`URI:spiffe://media.on-air/ra/reader, URI:athenz://principal/${NAMES.commonName}`)
  expect(readCertificates(await readFile(`${role}.cert.pem`, 'utf8')).map(({ isCa }) => isCa)).toEqual([false, true])
  for (const secret of [`${role}.key.pem`, `${it.root}/tokens/${READER}.accesstoken`, `${it.root}/tokens/${READER}.roletoken`]) {
    expect((await stat(secret)).mode & 0o777).toBe(0o600)
  }
})

test('a relying party finds both tokens signed by a published key, for the role and for the certificate', async () => {
  await using it = await open()
  expect((await it.run()).code).toBe(0)
  const keys = await publishedKeys(it.zts)
  const tokenIn = (kind: string) => readFile(`${it.root}/tokens/${READER}.${kind}`, 'utf8')
  const leaf = readCertificate(await readFile(`${it.root}/tls/service.cert`, 'utf8'))
  const hash = createHash('sha256').update(leaf.der).digest('base64url')
  expect(readJws(await tokenIn('accesstoken'), keys)).toMatchObject({
    isSigned: true,
    claims: { aud: 'media.on-air', sub: NAMES.commonName, scp: ['reader'], cnf: { 'x5t#S256': hash } },
  })
  expect(readRoleToken(await tokenIn('roletoken'), keys)).toMatchObject({
    isSigned: true,
    fields: { d: 'media.on-air', r: 'reader', p: NAMES.commonName },
  })
})

test.each<[string, number, (it: Opened) => unknown]>([
  ['a ZTS that denies the role', 77, ({ zts }) => zts.allow('media.on-air', 'reader')],
  ['a ZTS that is away', 75, ({ zts }) => zts.faults.away()],
  ['a ZTS that is busy', 75, ({ zts }) => zts.faults.busy(503, { seconds: 9 })],
  ['a page in the place of ZTS (T33)', 75, ({ zts }) => zts.faults.html()],
  ['a connection that is reset after the issue (T33)', 75, ({ zts }) => zts.faults.resetAfterIssue()],
  ['role certificates of another authority (T16)', 75, ({ zts }) => zts.faults.wrongCertificate('chain')],
  ['role certificates for another key (T16)', 75, ({ zts }) => zts.faults.wrongCertificate('key')],
  ['a ZTS that another authority vouches for (W24)', 75, async ({ root }) => writeFile(`${root}/ca.pem`, (await TestCa.create()).certPem)],
  ['no authorities of ZTS', 75, ({ root }) => rm(`${root}/ca.pem`)],
])('%s ends init with %d, and nothing is put in place', async (_name, code, spoil) => {
  await using it = await open()
  await spoil(it)
  expect((await it.run()).code).toBe(code)
  await expect(stat(`${it.root}/tls`)).rejects.toMatchObject({ code: 'ENOENT' })
})

test.each(['pod', 'agent'])('refresh renews service and role together, with the key of the %s', async (origin) => {
  await using it = await open({ lifeMs: 6_000 })
  const { done, times, stop } = it.begin({ MODE: 'refresh', SIA_KEY_ORIGIN: origin })
  await until(() => times('credentials published') >= 3)
  stop()
  expect(await done).toBe(0)
  const [service, role] = [`${it.root}/tls/service.cert`, `${it.root}/roles/${READER}.cert.pem`]
  expect(pubkeyOf('x509', role)).toBe(pubkeyOf('x509', service))
  expect(pubkeyOf('pkey', `${it.root}/tls/service.key`)).toBe(pubkeyOf('x509', service))
  const granted = it.zts.calls().filter(({ operation, status }) => operation === 'role-certificate' && status === 200)
  expect(granted.length).toBeGreaterThan(2)
}, 60_000)

test('refresh gives the service its certificate while ZTS is away, and role and tokens as soon as it is back (T28)', async () => {
  await using it = await open()
  it.zts.faults.away()
  const { done, times, stop } = it.begin({ MODE: 'refresh' })
  await until(() => times('credentials published without some role certificates') > 0)
  it.zts.faults.reset()
  await until(() => times('token renewed') === 2)
  await until(() => stat(`${it.root}/roles/${READER}.cert.pem`).then(() => true, () => false))
  stop()
  expect(await done).toBe(0)
  expect(it.agent.asked).toBe(1)
}, 60_000)

test('settings that cannot be meant end it with 64, servers without a home for them too', async () => {
  await using it = await open()
  expect((await it.run({ SERVER_CA_CERT: '' })).code).toBe(64)
  const { code, said } = await it.run({ MODE: 'refresh', HEALTH_CHECK_ADDR: ':0' })
  expect(code).toBe(64)
  expect(said).toContain('no servers and no hooks')
})

/** As anybody may read them. */
function publishedKeys({ url, caPem }: RealZts): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  get(`${url}/oauth2/keys?rfc=true`, { ca: caPem, agent: false }, (answer) => resolve(text(answer))).on('error', reject)
  return promise
}
