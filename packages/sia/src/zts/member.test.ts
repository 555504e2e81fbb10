/** Role certificates and tokens on the real home: sockets, mutual TLS, files, and what openssl makes of them. */
import { nodeHost } from '@pallas/linux'
import { readCertificates } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runSia } from '../sia.ts'
import { serveTls, serveUnix } from '../testing/serve.ts'
import { HANDLE, NAMES, TestAgent } from '../testing/test-agent.ts'
import { TestZts } from '../testing/test-zts.ts'

const READER = 'media.on-air:role.reader'

const openssl = (...argv: readonly string[]) => execFileSync('openssl', argv, { encoding: 'utf8', stdio: 'pipe' })

async function open() {
  await using scope = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'member-'))
  scope.defer(() => rm(root, { recursive: true }))
  const ca = await TestCa.create()
  const agent = new TestAgent({ ca, now: () => Date.now() })
  scope.use(await serveUnix(agent.handler, `${root}/agent.sock`))
  const zts = new TestZts({ ca, now: () => Date.now() })
  zts.roles.set(READER, [NAMES.commonName])
  const { keyPem: key, certPem: cert } = await ca.issue({ commonName: 'zts', ip: ['127.0.0.1'] })
  const { port } = scope.use(await serveTls(zts.handler, { key, cert, ca: ca.certPem }))
  await writeFile(`${root}/id`, HANDLE)
  await writeFile(`${root}/ca.pem`, ca.certPem)
  const env = {
    MODE: 'init',
    ID_FILE: `${root}/id`,
    SIA_ZTS_ENDPOINT: `https://127.0.0.1:${port}/zts/v1`,
    ENDPOINT: `unix://${root}/agent.sock`,
    SERVER_CA_CERT: `${root}/ca.pem`,
    KEY_FILE: `${root}/tls/service.key.pem,${root}/copy/key.pem`,
    CERT_FILE: `${root}/tls/service.cert.pem,${root}/copy/cert.pem`,
    CA_CERT_FILE: `${root}/tls/ca.pem`,
    TOKEN_FILE: `${root}/tokens/ntoken`,
    TARGET_DOMAIN_ROLES: READER,
    ROLECERT_DIR: `${root}/roles`,
    ROLE_CERT_KEY_FILE_OUTPUT: 'true',
    INTERMEDIATE_CERT_BUNDLE: 'athenz',
    TOKEN_DIR: `${root}/tokens`,
    TOKEN_TYPE: 'roletoken+accesstoken',
  }
  const parts = scope.move()
  return { root, zts, ca, env, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function run(env: Record<string, string>) {
  const said: string[] = []
  const { signal } = new AbortController()
  const tell = (text: string) => void said.push(text)
  const code = await runSia(nodeHost(), { argv: ['--init-timeout=2s'], env, signal, out: tell, err: tell })
  return { code, said: said.join('') }
}

test('a member gets role certificate and tokens over mutual TLS, and openssl finds that all belongs together', async () => {
  await using it = await open()
  expect(await run(it.env)).toMatchObject({ code: 0 })
  const role = `${it.root}/roles/${READER}`
  expect(openssl('verify', '-CAfile', `${it.root}/tls/ca.pem`, '-purpose', 'sslclient', `${role}.cert.pem`)).toContain('OK')
  const pubkey = openssl('pkey', '-in', `${role}.key.pem`, '-pubout')
  for (const cert of [`${role}.cert.pem`, `${it.root}/tls/service.cert.pem`, `${it.root}/copy/cert.pem`]) {
    expect(openssl('x509', '-in', cert, '-noout', '-pubkey')).toBe(pubkey)
  }
  const said = openssl('x509', '-in', `${role}.cert.pem`, '-noout', '-subject', '-ext', 'subjectAltName')
  expect(said).toContain(`CN = ${READER}`)
  expect(said).toContain(`URI:spiffe://media.on-air/ra/reader, URI:athenz://principal/${NAMES.commonName}`)
  expect(readCertificates(await readFile(`${role}.cert.pem`, 'utf8')).map(({ isCa }) => isCa)).toEqual([false, true])
  for (const secret of [`${role}.key.pem`, `${it.root}/tokens/${READER}.accesstoken`, `${it.root}/tokens/${READER}.roletoken`]) {
    expect((await stat(secret)).mode & 0o777).toBe(0o600)
  }
})

test.each<[string, number, (it: Opened) => Promise<void>]>([
  ['a ZTS that denies the role', 77, async ({ zts }) => zts.roles.clear()],
  ['a ZTS that another authority vouches for (W24)', 75, async ({ root }) => {
    await writeFile(`${root}/ca.pem`, (await TestCa.create()).certPem)
  }],
  ['no authorities of ZTS', 75, ({ root }) => rm(`${root}/ca.pem`)],
])('%s ends init with %d', async (_name, code, spoil) => {
  await using it = await open()
  await spoil(it)
  expect((await run(it.env)).code).toBe(code)
})

type Opened = Awaited<ReturnType<typeof open>>

test('settings that cannot be meant end it with 64, servers without a home for them too', async () => {
  await using it = await open()
  expect((await run({ ...it.env, SERVER_CA_CERT: '' })).code).toBe(64)
  const { code, said } = await run({ ...it.env, MODE: 'refresh', HEALTH_CHECK_ADDR: ':0' })
  expect(code).toBe(64)
  expect(said).toContain('no servers and no hooks')
})
