import { createPublicKey, X509Certificate } from 'node:crypto'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type NodeKey, nodeKey, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { clusterConfig } from './testing/control-plane.ts'
import { openRealAgent } from './testing/real-agent.ts'
import { openRealZts } from './testing/real-zts.ts'

const SIA = fileURLToPath(new URL('main.ts', import.meta.url))
const CONTROL = fileURLToPath(new URL('control-main.ts', import.meta.url))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(main: string, argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const options = { env: { ...env, NO_COLOR: '1' }, timeout: 20_000 }
  const child = execFile(process.execPath, [main, ...argv], options, (error, out, err) =>
    resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err }),
  )
  child.stdin?.end()
  return promise
}

const openssl = (...argv: readonly string[]) => execFileSync('openssl', argv, { encoding: 'utf8', stdio: 'pipe' })

async function openAgent(lifeMs?: number) {
  const it = await openRealAgent({ lifeMs })
  const argv = (mode: string, ...more: readonly string[]) => [`--mode=${mode}`, ...it.argv, ...more]
  return { ...it, argv }
}

test.each([SIA, CONTROL])('%s tells its settings and its version', async (main) => {
  const help = await run(main, ['--help'])
  expect(help).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--out-ca-cert, CA_CERT_FILE') })
  const version = await run(main, ['--version'])
  expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^athenz-(control-)?sia \d+\.\d+\.\d+\n$/) })
})

test.each([SIA, CONTROL])('%s ends with 64 when its settings cannot be used, and tells all problems', async (main) => {
  const { code, err } = await run(main, ['--timeout=soon'])
  expect(code).toBe(64)
  expect(err).toMatch(/--mode[^]*--timeout|--timeout[^]*--mode/)
})

test.each(['pod', 'agent'])('init with the key of the %s: openssl finds that all belongs together', async (origin) => {
  await using it = await openAgent()
  expect(await run(SIA, it.argv('init', `--key-origin=${origin}`))).toMatchObject({ code: 0, err: '' })
  const ofKey = openssl('pkey', '-in', `${it.root}/tls/service.key`, '-pubout')
  expect(openssl('x509', '-in', `${it.root}/tls/service.cert`, '-noout', '-pubkey')).toBe(ofKey)
  expect(openssl('verify', '-CAfile', `${it.root}/tls/cacert.pem`, `${it.root}/tls/service.cert`)).toContain('OK')
  expect((await stat(`${it.root}/tls/service.key`)).mode & 0o777).toBe(0o600)
  expect((await stat(`${it.root}/tls/service.cert`)).mode & 0o777).toBe(0o644)
  expect(await readFile(`${it.root}/tokens/ntoken`, 'utf8')).toBe(it.agent.ntoken)
})

test('in a setgid directory the group may read the key, and the files are of that group', async () => {
  await using it = await openAgent()
  await mkdir(`${it.root}/tls`)
  await chmod(`${it.root}/tls`, 0o2770)
  expect((await run(SIA, it.argv('init'))).code).toBe(0)
  const [key, directory] = [await stat(`${it.root}/tls/service.key`), await stat(`${it.root}/tls`)]
  expect(key.mode & 0o777).toBe(0o640)
  expect(key.gid).toBe(directory.gid)
})

test('settings come from the environment of the original too', async () => {
  await using it = await openAgent()
  const env = {
    ID_FILE: `${it.root}/id`,
    ENDPOINT: `unix://${it.root}/agent.sock`,
    KEY_FILE: `${it.root}/a/key`,
    CERT_FILE: `${it.root}/a/cert`,
    CA_CERT_FILE: `${it.root}/a/ca`,
    TOKEN_FILE: `${it.root}/a/token`,
  }
  expect((await run(SIA, ['-mode', 'init'], env)).code).toBe(0)
  expect(await readFile(`${it.root}/a/cert`, 'utf8')).toContain('BEGIN CERTIFICATE')
})

test('a denial ends init with 77, the reason and a sentence', async () => {
  await using it = await openAgent()
  it.agent.willRefuse('HANDLE_PEER_MISMATCH')
  const { code, err } = await run(SIA, it.argv('init'))
  expect(code).toBe(77)
  const sentence = 'The calling process is in another pod than the volume was made for.'
  expect(err).toBe(`athenz-sia: denied: HANDLE_PEER_MISMATCH: no. ${sentence}\n`)
})

test('an agent that cannot help in time ends init with 75', async () => {
  await using it = await openAgent()
  it.agent.willRefuse('ISSUER_UNAVAILABLE', { times: 99 })
  const { code, err } = await run(SIA, it.argv('init', '--init-timeout=1s'))
  expect(code).toBe(75)
  expect(err).toContain('unavailable: ISSUER_UNAVAILABLE')
})

test.each(['id', 'agent.sock'])('%s that never comes ends init with 75', async (name) => {
  await using it = await openAgent()
  await rm(`${it.root}/${name}`)
  const { code, err } = await run(SIA, it.argv('init', '--socket-timeout=300ms'))
  expect(code).toBe(75)
  expect(err).toContain('AGENT_UNAVAILABLE')
})

test('an output directory that is a symlink ends init with 1, and nothing is written behind it', async () => {
  await using it = await openAgent()
  await mkdir(`${it.root}/elsewhere`)
  execFileSync('ln', ['-s', `${it.root}/elsewhere`, `${it.root}/tls`])
  const { code, err } = await run(SIA, it.argv('init'))
  expect(code).toBe(1)
  expect(err).toContain('SIA_OUTPUT_REFUSED')
  expect(execFileSync('ls', ['-A', `${it.root}/elsewhere`], { encoding: 'utf8' })).toBe('')
})

test('refresh renews again and again, and a SIGTERM ends it with 0', async () => {
  await using it = await openAgent(4_000)
  const child = spawn(process.execPath, [SIA, ...it.argv('refresh')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const serials: string[] = []
  for await (const chunk of child.stdout) {
    for (const line of String(chunk).split('\n').filter(Boolean)) {
      const { serial, msg } = JSON.parse(line)
      if (msg === 'credentials published') serials.push(serial)
    }
    if (serials.length >= 2) break
  }
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(new X509Certificate(await readFile(`${it.root}/tls/service.cert`)).serialNumber).toBe(serials.at(-1))
}, 20_000)

async function openZts() {
  await using scope = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'control-sia-'))
  scope.defer(() => rm(root, { recursive: true }))
  const ca = await TestCa.create({ algorithm: 'rsa' })
  const zts = scope.use(await openRealZts(ca))
  const owned = nodeKey('rsa')
  const register = ({ object }: NodeKey) =>
    zts.register('k8s.admin.athenz-callback', 'v7', createPublicKey(object).export({ format: 'pem', type: 'spki' }))
  register(owned)
  await mkdir(`${root}/private`)
  await writeFile(`${root}/private/service.key`, owned.pem)
  await writeFile(`${root}/private/service.version`, 'v7\n')
  await writeFile(`${root}/config.yaml`, clusterConfig(zts.caPem, zts.url))
  const argv = (mode: string, ...more: readonly string[]) => [
    `--mode=${mode}`,
    '--namespace=k8s-admin',
    '--account=athenz-callback',
    `--identity-dir=${root}/private`,
    `--config=${root}/config.yaml`,
    `--out-cert=${root}/public/service.cert`,
    `--out-ca-cert=${root}/public/ca.cert`,
    `--out-ntoken=${root}/tokens/ntoken`,
    ...more,
  ]
  const parts = scope.move()
  return { root, zts, register, argv, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

test('the control plane gets a certificate for its own key over TLS, as openssl sees it', async () => {
  await using it = await openZts()
  expect(await run(CONTROL, it.argv('init'))).toMatchObject({ code: 0, err: '' })
  const own = openssl('pkey', '-in', `${it.root}/private/service.key`, '-pubout')
  expect(openssl('x509', '-in', `${it.root}/public/service.cert`, '-noout', '-pubkey')).toBe(own)
  expect(openssl('verify', '-CAfile', `${it.root}/public/ca.cert`, `${it.root}/public/service.cert`)).toContain('OK')
  expect((await stat(`${it.root}/tokens/ntoken`)).mode & 0o777).toBe(0o600)
})

test.each<[string, number, (it: Awaited<ReturnType<typeof openZts>>) => unknown]>([
  ['a ZTS that knows another key', 77, ({ register }) => register(nodeKey())],
  ['a ZTS that is busy', 75, ({ zts }) => zts.faults.busy(503)],
  ['a missing version', 75, ({ root }) => rm(`${root}/private/service.version`)],
  ['a configuration that is none', 64, ({ root }) => writeFile(`${root}/config.yaml`, 'nonsense: true')],
])('%s ends init of the control plane with %d', async (_name, code, spoil) => {
  await using it = await openZts()
  await spoil(it)
  expect((await run(CONTROL, it.argv('init', '--init-timeout=1s'))).code).toBe(code)
})

test('refresh of the control plane ends with 0 on a SIGTERM, though there is no key at all', async () => {
  await using it = await openZts()
  await rm(`${it.root}/private/service.key`)
  const child = spawn(process.execPath, [CONTROL, ...it.argv('refresh')], { stdio: ['ignore', 'pipe', 'pipe'] })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
