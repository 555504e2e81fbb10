import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { tlsDirectory } from '@pallas/service/testing'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import type { Change } from '../companions.ts'
import { nodeCompanions } from './companion-home.ts'
import { ACCESS_TOKEN, settingsOf, testDeps } from './testing/companions.ts'
import { until } from '../testing/until.ts'

const ALL = ['--token-server-addr=127.0.0.1:0', '--token-server-rest-api', '--metrics-server-addr=127.0.0.1:0', '--health-check-addr=127.0.0.1:0']
const CHANGE: Change = { members: [{ kind: 'service-certificate', name: 'media.web' }], paths: ['/tls/service.cert'] }

/** Companions with these settings; their servers in the order in which they began to listen. */
async function open(...argv: readonly string[]) {
  const deps = testDeps()
  const stop = new AbortController()
  const logged: string[] = []
  const home = nodeCompanions({ process, logTo: { write: (line) => void logged.push(line) } })
  const companions = await home.start(settingsOf(...argv), deps, stop.signal)
  const ports = () => logged.flatMap((line) => Number(/listening on https?:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0) || [])
  return { ...deps, companions, stop, ports, logged, [Symbol.asyncDispose]: () => companions[Symbol.asyncDispose]() }
}

interface Tls {
  readonly ca: string
  readonly key?: string
  readonly cert?: string
}

/** Asks for a token. */
async function post(port: number, tls?: Tls) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = { host: '127.0.0.1', port, method: 'POST', path: '/accesstoken', agent: false, headers: { 'content-type': 'application/json' } }
  const request = tls === undefined ? httpRequest(options, resolve) : httpsRequest({ ...options, ...tls }, resolve)
  request.on('error', reject).end('{"domain":"media"}')
  const answer = await promise
  return { status: answer.statusCode, said: await text(answer) }
}

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('nothing is started that the settings do not ask for', async () => {
  await using it = await open()
  it.companions.published(CHANGE)
  it.companions.failed({ kind: 'access-token', name: 'media', error: new Error('no') })
  expect(it.logged).toEqual([])
  expect(it.lines).toEqual([])
})

test('this home fulfils every setting', () => {
  expect(nodeCompanions({ process }).unfit(settingsOf(...ALL))).toEqual([])
})

test('tokens, metrics and health are served, and every change is counted (W28)', async () => {
  await using it = await open(...ALL)
  const [tokens = 0, metrics = 0, health = 0] = it.ports()
  it.companions.published(CHANGE)
  expect(await post(tokens)).toMatchObject({ status: 200 })
  const seen = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
  expect(seen).toContain('athenz_sia_token_requests_total{route="accesstoken",code="OK"} 1')
  expect(seen).toContain('athenz_sia_renewals_total{kind="service-certificate",code="OK"} 1')
  expect(await (await fetch(`http://127.0.0.1:${health}/healthz`)).text()).toBe('OK')
})

test('neither log nor metrics nor health hold a token that was given (T46)', async () => {
  await using it = await open(...ALL)
  const [tokens = 0, metrics = 0, health = 0] = it.ports()
  expect((await post(tokens)).said).toContain(ACCESS_TOKEN)
  const bodies = await Promise.all(
    [`${metrics}/metrics`, `${health}/healthz`].map(async (where) => (await fetch(`http://127.0.0.1:${where}`)).text()),
  )
  const all = [...bodies, ...it.logged, JSON.stringify(it.lines)].join('\n')
  for (const part of ACCESS_TOKEN.split('.')) expect(all).not.toContain(part)
})

test.each(['token-server', 'metrics-server', 'health-check'])('when the %s address is taken nothing stays listening', async (which) => {
  await using scope = new AsyncDisposableStack()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  scope.defer(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : 0
  const logged: string[] = []
  const home = nodeCompanions({ process, logTo: { write: (line) => void logged.push(line) } })
  const settings = settingsOf(...ALL.filter((it) => !it.startsWith(`--${which}-addr`)), `--${which}-addr=127.0.0.1:${port}`)
  await expect(home.start(settings, testDeps(), new AbortController().signal)).rejects.toMatchObject({ code: 'SERVICE_LISTEN' })
  const opened = logged.flatMap((line) => Number(/listening on \S+:(\d+)/.exec(line)?.[1] ?? 0) || [])
  expect(opened).toHaveLength(['token-server', 'metrics-server', 'health-check'].indexOf(which))
  expect(await Promise.all(opened.map(isOpen))).toEqual(opened.map(() => false))
})

test('the end goes health, metrics, tokens: those are served while the delay lasts', async () => {
  const it = await open(...ALL, '--shutdown-delay=2s')
  const [tokens = 0, metrics = 0, health = 0] = it.ports()
  const disposed = it.companions[Symbol.asyncDispose]()
  await until(async () => !(await isOpen(metrics)))
  expect(await isOpen(health)).toBe(false)
  expect(await post(tokens)).toMatchObject({ status: 200 })
  await disposed
  expect(await isOpen(tokens)).toBe(false)
})

test('a request that is being served at the end is served, but not for ever', async () => {
  const it = await open(...ALL, '--shutdown-timeout=10s')
  const [tokens = 0] = it.ports()
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  it.tokens.before = () => {
    begun.resolve()
    return gate.promise
  }
  const asked = post(tokens)
  await begun.promise
  const disposed = it.companions[Symbol.asyncDispose]()
  await until(async () => !(await isOpen(tokens)))
  gate.resolve()
  expect(await asked).toMatchObject({ status: 200 })
  await disposed

  const other = await open(...ALL, '--shutdown-timeout=50ms', '--token-server-timeout=60s')
  const stuck = Promise.withResolvers<void>()
  other.tokens.before = () => {
    stuck.resolve()
    return new Promise(() => {})
  }
  const cut = post(other.ports()[0] ?? 0).catch((error: unknown) => error)
  await stuck.promise
  await other.companions[Symbol.asyncDispose]()
  expect(await cut).toBeInstanceOf(Error)
})

test('tokens beyond the loopback are announced, unless callers have to show a certificate', async () => {
  await using it = await open('--token-server-addr=0.0.0.0:0', '--token-server-rest-api', '--metrics-server-addr=127.0.0.1:0')
  expect(it.lines).toMatchObject([{ level: 'warn', msg: expect.stringContaining('weakened') }])
  const metrics = it.ports().at(-1)
  expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('athenz_sia_weakened{mode="token-server-beyond-loopback"} 1')
})

test('with an authority for clients only those with its certificate are served, and new files count at once', async () => {
  await using scope = new AsyncDisposableStack()
  const ca = await TestCa.create()
  const ours = scope.use(await tlsDirectory(ca, { commonName: 'media.web', ip: ['127.0.0.1'] }))
  const tlsFlags = [`--token-server-tls-cert-path=${ours.certFile}`, `--token-server-tls-key-path=${ours.keyFile}`]
  const it = scope.use(await open('--token-server-addr=0.0.0.0:0', '--token-server-rest-api', ...tlsFlags, `--token-server-tls-ca-path=${ours.caFile}`))
  expect(it.lines).toEqual([])
  const port = Number(/:(\d+)/.exec(it.logged.join('').match(/listening on \S+:\d+/g)?.[0].replace(/^.*:\/\//, '') ?? '')?.[1])
  const client = await ca.issue({ commonName: 'media.app' })
  const good = { ca: ca.certPem, key: client.keyPem, cert: client.certPem }
  expect(await post(port, good)).toMatchObject({ status: 200 })
  await expect(post(port, { ca: ca.certPem })).rejects.toThrow()
  const stranger = await (await TestCa.create({ name: 'other' })).issue({ commonName: 'media.app' })
  await expect(post(port, { ca: ca.certPem, key: stranger.keyPem, cert: stranger.certPem })).rejects.toThrow()

  const next = await TestCa.create({ name: 'next' })
  await ours.replace(await next.issue({ commonName: 'media.web', ip: ['127.0.0.1'] }))
  await until(() => it.logged.some((line) => line.includes('tls files replaced')))
  expect(await post(port, { ...good, ca: next.certPem })).toMatchObject({ status: 200 })
  await expect(post(port, good)).rejects.toThrow()
})

test('a certificate that this program has still to write is waited for, and nothing counts as healthy before', async () => {
  await using scope = new AsyncDisposableStack()
  const ca = await TestCa.create()
  const files = scope.use(await tlsDirectory(ca, { commonName: 'media.web', ip: ['127.0.0.1'] }))
  await rm(files.certFile)
  const tlsFlags = [`--token-server-tls-cert-path=${files.certFile}`, `--token-server-tls-key-path=${files.keyFile}`]
  const it = scope.use(await open('--token-server-addr=127.0.0.1:0', '--token-server-rest-api', '--health-check-addr=127.0.0.1:0', ...tlsFlags))
  const [tokens = 0, health] = it.ports()
  expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(503)
  expect(it.lines).toMatchObject([{ level: 'warn', err: { code: 'SERVICE_TLS_FILES' } }])
  // The port is ours already, though nobody is served there.
  const other = createServer().listen(tokens, '127.0.0.1')
  await expect(once(other, 'listening')).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await expect(post(tokens, { ca: ca.certPem })).rejects.toThrow(/alert/)
  await files.replace(await ca.issue({ commonName: 'media.web', ip: ['127.0.0.1'] }))
  await until(async () => (await fetch(`http://127.0.0.1:${health}/healthz`)).status === 200)
  expect(await post(tokens, { ca: ca.certPem })).toMatchObject({ status: 200 })
  expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(200)
})

test('a stop ends the wait for a certificate that never comes', async () => {
  const it = await open('--token-server-addr=127.0.0.1:0', '--token-server-rest-api', '--token-server-tls-cert-path=/nowhere/c', '--token-server-tls-key-path=/nowhere/k')
  const [tokens = 0] = it.ports()
  expect(await isOpen(tokens)).toBe(true)
  await it.companions[Symbol.asyncDispose]()
  expect(await isOpen(tokens)).toBe(false)
})

test('who must show a certificate gets in neither before there are files, nor without one after', async () => {
  await using scope = new AsyncDisposableStack()
  const ca = await TestCa.create()
  const files = scope.use(await tlsDirectory(ca, { commonName: 'media.web', ip: ['127.0.0.1'] }))
  await rm(files.certFile)
  const tlsFlags = [`--token-server-tls-cert-path=${files.certFile}`, `--token-server-tls-key-path=${files.keyFile}`]
  const it = scope.use(await open('--token-server-addr=127.0.0.1:0', '--token-server-rest-api', ...tlsFlags, `--token-server-tls-ca-path=${files.caFile}`))
  const [tokens = 0] = it.ports()
  const client = await ca.issue({ commonName: 'media.app' })
  const good = { ca: ca.certPem, key: client.keyPem, cert: client.certPem }
  await expect(post(tokens, good)).rejects.toThrow(/alert/)
  await files.replace(await ca.issue({ commonName: 'media.web', ip: ['127.0.0.1'] }))
  await until(async () => (await post(tokens, good).catch(() => undefined))?.status === 200)
  await expect(post(tokens, { ca: ca.certPem })).rejects.toThrow()
})

test('after a change the command runs and the process is signalled, whatever becomes of the other', async () => {
  await using scope = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'home-'))
  scope.defer(() => rm(dir, { recursive: true }))
  const told = Promise.withResolvers<void>()
  process.once('SIGUSR2', told.resolve)
  await writeFile(join(dir, 'pid'), String(process.pid))
  const deps = testDeps()
  const asOther = { kill: process.kill.bind(process), geteuid: () => process.geteuid?.() ?? 0, pid: 0 }
  const settings = settingsOf('--hook-command=/bin/false', '--hook-signal=SIGUSR2', `--hook-pid-file=${join(dir, 'pid')}`)
  {
    await using companions = await nodeCompanions({ process: asOther }).start(settings, deps, new AbortController().signal)
    companions.published(CHANGE)
    await told.promise
  }
  expect(deps.lines).toMatchObject([
    { level: 'error', msg: 'hook failed, the credentials are in place all the same', err: { code: 'SIA_HOOK_FAILED' } },
    { level: 'info', msg: 'hook done' },
  ])
})

test('a hook that is due is done before the program ends by itself', async () => {
  await using scope = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'home-'))
  scope.defer(() => rm(dir, { recursive: true }))
  const file = join(dir, 'told')
  const it = await open(`--hook-command=/bin/cp,/proc/self/environ,${file}`)
  it.companions.published(CHANGE)
  await it.companions[Symbol.asyncDispose]()
  expect(await readFile(file, 'utf8')).toContain('ATHENZ_SIA_CHANGED_KINDS=service-certificate')
})
