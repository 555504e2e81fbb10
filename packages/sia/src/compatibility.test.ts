/** What teams bring along: the original's SIAs (spec/athenz-suite.md 1, 7, 18) and k8s-athenz-sia (spec/sia-features.md A). */
import { readSettings } from '@pallas/config/testing'
import { parseNToken } from '@pallas/identity'
import { readCertificates, readCsr } from '@pallas/x509'
import { nodeKeyOf } from '@pallas/x509/testing'
import { createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { controlProgram, type ControlSettings } from './control/control-settings.ts'
import { startControlSia } from './control/control-start.ts'
import { outputPathsOf, wantedTokensOf } from './settings/layout.ts'
import { agentOf, program, type SiaSettings, ztsOf } from './settings/settings.ts'
import { openControlPlane } from './testing/control-plane.ts'
import { openPod } from './testing/pod.ts'
import { runSiaOn } from './testing/run.ts'
import { NAMES } from './testing/test-agent.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

const SOCKET = { kind: 'unix', path: '/identity/connect/agent.sock' }
const NEEDED = { NAMESPACE: 'k8s-admin', ACCOUNT: 'athenz-callback' }

const settingsOf = (argv: readonly string[], env: Record<string, string> = {}) => readSettings(program, { argv, env })
const control = (argv: readonly string[], env: Record<string, string> = NEEDED) => readSettings(controlProgram, { argv, env })

/** Flag, variable, a value, what is read of it, and the default. */
type Row<S> = readonly [flag: string, variable: string, value: string, setting: keyof S, read: unknown, byDefault: unknown]

const DATA_PLANE: readonly Row<SiaSettings>[] = [
  ['id-file', 'ID_FILE', '/x/id', 'idFile', '/x/id', '/identity/id'],
  ['endpoint', 'ENDPOINT', 'tcp://127.0.0.1:8080', 'endpoint', { kind: 'tcp', host: '127.0.0.1', port: 8080 }, SOCKET],
  ['out-ntoken', 'TOKEN_FILE', '/t/token', 'outNtoken', '/t/token', '/tokens/ntoken'],
  ['out-key', 'KEY_FILE', '/t/key', 'outKey', ['/t/key'], ['/tls/service.key']],
  ['out-cert', 'CERT_FILE', '/t/cert', 'outCert', ['/t/cert'], ['/tls/service.cert']],
  ['out-ca-cert', 'CA_CERT_FILE', '/t/ca', 'outCaCert', '/t/ca', '/tls/cacert.pem'],
  // Deviation: unset by default, where the original had an hour. Half of the life rules; what is set is an upper bound.
  ['refresh-interval', 'REFRESH_INTERVAL', '1h', 'refreshInterval', HOUR, undefined],
]

test.each(DATA_PLANE)('athenz-sia takes --%s and %s, with the default of the original (C10)', (flag, variable, value, setting, read, byDefault) => {
  expect(settingsOf(['-mode', 'init'])[setting]).toEqual(byDefault)
  expect(settingsOf(['-mode', 'init'], { [variable]: '' })[setting]).toEqual(byDefault)
  for (const argv of [[`--${flag}=${value}`], [`-${flag}`, value]]) {
    expect(settingsOf(['-mode', 'init', ...argv], { [variable]: 'unix:///other' })[setting]).toEqual(read)
  }
  expect(settingsOf(['-mode', 'init'], { [variable]: value })[setting]).toEqual(read)
})

const CONTROL_PLANE: readonly Row<ControlSettings>[] = [
  ['namespace', 'NAMESPACE', 'user-apps', 'namespace', 'user-apps', 'k8s-admin'],
  ['account', 'ACCOUNT', 'web', 'account', 'web', 'athenz-callback'],
  ['identity-dir', 'IDENTITY_DIR', '/x', 'identityDir', '/x', '/var/tls/athenz/private'],
  ['refresh-interval', 'REFRESH_INTERVAL', '2h', 'refreshInterval', 2 * HOUR, 24 * HOUR],
  ['out-ntoken', 'TOKEN_FILE', '/t/token', 'outNtoken', '/t/token', '/tokens/ntoken'],
  ['out-cert', 'CERT_FILE', '/t/cert', 'outCert', '/t/cert', '/var/tls/athenz/public/service.cert'],
  ['out-ca-cert', 'CA_CERT_FILE', '/t/ca', 'outCaCert', '/t/ca', '/var/tls/athenz/public/ca.cert'],
  ['config', 'CONFIG_URL', '/x.yaml', 'config', '/x.yaml', '/var/cluster/config.yaml'],
]

test.each(CONTROL_PLANE)('athenz-control-sia takes --%s and %s, with the default of the original (C10)', (flag, variable, value, setting, read, byDefault) => {
  expect(control(['--mode=init'])[setting]).toEqual(byDefault)
  expect(control(['--mode=init', `--${flag}=${value}`])[setting]).toEqual(read)
  expect(control(['--mode=init', `-${flag}`, value], { ...NEEDED, [variable]: '/other' })[setting]).toEqual(read)
  expect(control(['--mode=init'], { ...NEEDED, [variable]: value })[setting]).toEqual(read)
})

test.each<[string, (argv: readonly string[]) => unknown]>([
  ['athenz-sia', (argv) => settingsOf(argv)],
  ['athenz-control-sia', (argv) => control(argv)],
])('the mode of %s is required: init or refresh and nothing else (C11)', (_name, readIt) => {
  const read = (...argv: readonly string[]) => () => readIt(argv)
  expect(read('-mode', 'init')).not.toThrow()
  expect(read('--mode=refresh')).not.toThrow()
  expect(read()).toThrow(/--mode.*required/)
  expect(read('--mode=once')).toThrow(/one of init, refresh/)
})

test('a blank --out-ca-cert of the control plane is a file not wanted (C10)', () => {
  expect(control(['--mode=init', '--out-ca-cert='])).toMatchObject({ outCaCert: '' })
})

// Deviation: the original sent no key of its own and knew no names; that form is --key-origin=agent.
test.each(['init', 'refresh'])('against an agent that knows only the original form %s works from end to end (C4, C11)', async (mode) => {
  const pod = await openPod()
  pod.agent.isOriginal = true
  await runSiaOn(pod, ['--mode=init', '--key-origin=agent']).done
  const { done, stopped } = runSiaOn(pod, [`--mode=${mode}`, '--key-origin=agent'])
  await pod.host.clock.advance(20 * HOUR)
  expect(pod.agent.calls.slice(0, 2)).toEqual(['init', mode === 'init' ? 'init' : 'refresh pair'])
  const [leaf] = readCertificates(await pod.read('/tls/service.cert'))
  expect(leaf?.commonName).toBe(NAMES.commonName)
  expect(leaf?.spki.toHex()).toBe(nodeKeyOf(createPrivateKey(await pod.read('/tls/service.key'))).spki.toHex())
  expect(await pod.read('/tokens/ntoken')).toBe(pod.agent.ntoken)
  expect(await pod.read('/tls/cacert.pem')).toBe(pod.ca.chainPem)
  await (mode === 'init' ? done : stopped())
})

test('an agent of the original that breaks is tried again: its 500 says nothing about the pod (C4)', async () => {
  const pod = await openPod()
  pod.agent.isOriginal = true
  pod.agent.willRefuse('INTERNAL', { times: 2 })
  const { done } = runSiaOn(pod, ['--mode=init', '--key-origin=agent'])
  await pod.host.clock.advance(10_000)
  await done
  expect(pod.agent.asked).toBe(3)
})

// Deviation: the original wrote every file 0644, the private key too.
test.each([
  ['/tls', 'service.key', 0o600],
  ['/tls', 'service.cert', 0o644],
  ['/tls', 'cacert.pem', 0o644],
  ['/tokens', 'ntoken', 0o600],
])('%s/%s is written by init and ends it, with mode %i (W17, C10, C11)', async (directory, name, mode) => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  const at = await pod.host.files.readlink(`${directory}/..data`)
  expect((await pod.host.files.stat(`${directory}/${at}/${name}`))?.mode).toBe(mode)
  expect(await pod.read(`${directory}/${name}`)).not.toBe('')
})

// Deviation: the key never leaves the pod; in the original form the agent makes it and it travels.
test('by default the key is made in the pod, and no request holds it (W16)', async () => {
  const pod = await openPod()
  const bodies: string[] = []
  const { handler } = pod.agent
  pod.host.machine.peers.set('unix:/identity/connect/agent.sock', (request) => {
    bodies.push(request.body ?? '')
    return handler(request)
  })
  const { stopped } = runSiaOn(pod, ['--mode=refresh'])
  await pod.host.clock.advance(20 * HOUR)
  await stopped()
  const secret = (await pod.read('/tls/service.key')).split('\n')[1] ?? 'none'
  expect(pod.agent.asked).toBeGreaterThan(1)
  expect(bodies.join()).not.toContain('PRIVATE')
  expect(bodies.join()).not.toContain(secret)
  expect(readCsr(pod.agent.csrs.at(-1) ?? '').commonName).toBe(NAMES.commonName)
})

// The agent says 0444 for the id and 0666 for the socket: nothing here asks who runs the program.
test('the SIA reads its volume and writes its files as any user (W13)', async () => {
  const pod = await openPod()
  await runSiaOn(pod, ['--mode=init']).done
  const privileged = /chown|mount|lock/i
  expect(pod.host.faults.steps.filter(({ call }) => privileged.test(call))).toEqual([])
})

// Deviation: expiryTime is in minutes, as ZTS has it; the original sent seconds.
test('the call of ZTS by the control plane is that of the original (C8)', async () => {
  const plane = await openControlPlane('rsa')
  await startControlSia(control(['--mode=init']), plane, new AbortController().signal)
  const [request] = plane.zts.requests
  expect(request).toMatchObject({ method: 'POST', path: '/zts/v1/instance/k8s.admin/athenz-callback/refresh' })
  expect(JSON.parse(request?.body ?? '')).toEqual({ csr: expect.stringContaining('CERTIFICATE REQUEST'), expiryTime: 7 * 24 * 60 })
  const token = request?.headers?.['Athenz-Principal-Auth'] ?? ''
  expect(parseNToken(token)?.claims).toMatchObject({ domain: 'k8s.admin', service: 'athenz-callback', keyId: 'v1' })
  const cert = await plane.read('/var/tls/athenz/public/service.cert')
  expect(readCertificates(cert).map(({ isCa }) => isCa)).toEqual([false, true])
  expect(cert.endsWith(await plane.read('/var/tls/athenz/public/ca.cert'))).toBe(true)
  expect(await plane.read('/tokens/ntoken')).toBe(token)
})

// Deviation of ours: half of each life, not a ticker of a day; the token of an hour is never an expired one.
test('certificate and token of the control plane are renewed long before they end (W30)', async () => {
  const plane = await openControlPlane()
  const stop = new AbortController()
  const done = startControlSia(control(['--mode=refresh']), plane, stop.signal)
  for (let n = 0; n < 60; n++) {
    await plane.host.clock.advance(30 * MINUTE)
    const now = plane.host.clock.now()
    expect((parseNToken(await plane.read('/tokens/ntoken'))?.claims.expiresAt ?? 0) * 1_000 - now).toBeGreaterThan(20 * MINUTE)
    const [leaf] = readCertificates(await plane.read('/var/tls/athenz/public/service.cert'))
    expect((leaf?.notAfter ?? 0) - now).toBeGreaterThan(5 * HOUR)
  }
  stop.abort()
  await done
})

// --- k8s-athenz-sia

const ZTS = 'https://zts.example:4443/zts/v1'
const K8S_ATHENZ_SIA = {
  MODE: 'refresh',
  ENDPOINT: ZTS,
  SERVER_CA_CERT: '/etc/ca.pem',
  TARGET_DOMAIN_ROLES: 'media:role.reader,media:role.a.b,media',
  KEY_FILE: '/var/run/athenz/service.key.pem, /copy/key.pem',
  CERT_FILE: '/var/run/athenz/service.cert.pem',
  CA_CERT_FILE: '/var/run/athenz/ca.cert.pem',
  ROLECERT_DIR: '/var/run/athenz/rolecerts/',
  ROLE_CERT_KEY_FILE_OUTPUT: 'true',
  TOKEN_TYPE: 'roletoken+accesstoken',
  TOKEN_DIR: '/var/run/athenz/tokens',
}

test('the environment of k8s-athenz-sia is understood: ENDPOINT is ZTS, the agent is where it always is', () => {
  const settings = settingsOf([], K8S_ATHENZ_SIA)
  expect([settings.mode, ztsOf(settings), agentOf(settings)]).toEqual(['refresh', ZTS, SOCKET])
  expect(settings.outKey).toEqual(['/var/run/athenz/service.key.pem', '/copy/key.pem'])
})

test.each<[string, Record<string, string>, readonly string[]]>([
  ['role certificates', {}, ['/var/run/athenz/rolecerts/media:role.reader.cert.pem', '/var/run/athenz/rolecerts/media:role.a.b.cert.pem']],
  ['role certificates with a delimiter', { ROLE_CERT_FILENAME_DELIMITER: '_' }, ['/var/run/athenz/rolecerts/media_reader.cert.pem', '/var/run/athenz/rolecerts/media_a.b.cert.pem']],
  [
    'role certificates by format',
    { ROLECERT_DIR: '', ROLE_CERT_KEY_FILE_OUTPUT: '', ROLE_CERT_NAMING_FORMAT: '/r/{{domain}}/{{role}}{{delimiter}}pem' },
    ['/r/media/reader:role.pem', '/r/media/a.b:role.pem'],
  ],
])('%s lie where k8s-athenz-sia puts them; a whole domain is none', (_name, env, expected) => {
  expect(outputPathsOf(settingsOf([], { ...K8S_ATHENZ_SIA, ...env })).roles?.map(({ cert }) => cert)).toEqual(expected)
})

const keys = (env: Record<string, string>) =>
  outputPathsOf(settingsOf([], { ...K8S_ATHENZ_SIA, TARGET_DOMAIN_ROLES: 'm:role.r', ...env })).roles?.map(({ key }) => key)

test('keys lie beside role certificates as k8s-athenz-sia puts them', () => {
  expect(keys({})).toEqual(['/var/run/athenz/rolecerts/m:role.r.key.pem'])
  expect(keys({ ROLE_CERT_KEY_FILE_OUTPUT: '' })).toEqual([undefined])
  const format = { ROLECERT_DIR: '', ROLE_CERT_NAMING_FORMAT: '/r/{{role}}.c', ROLE_CERT_KEY_NAMING_FORMAT: '/r/{{role}}.k' }
  expect(keys({ ...format, ROLE_CERT_KEY_FILE_OUTPUT: '' })).toEqual(['/r/r.k'])
})

test.each<[string, Record<string, string>, readonly string[]]>([
  ['in a directory', {}, ['/var/run/athenz/tokens/m:role.r.accesstoken', '/var/run/athenz/tokens/m.accesstoken', '/var/run/athenz/tokens/m:role.r.roletoken', '/var/run/athenz/tokens/m.roletoken']],
  ['of one kind', { TOKEN_TYPE: '' }, ['/var/run/athenz/tokens/m:role.r.accesstoken', '/var/run/athenz/tokens/m.accesstoken']],
  ['with delimiters', { ACCESS_TOKEN_FILENAME_DELIMITER: '+', ROLE_TOKEN_FILENAME_DELIMITER: '-' }, ['/var/run/athenz/tokens/m+r.accesstoken', '/var/run/athenz/tokens/m.accesstoken', '/var/run/athenz/tokens/m-r.roletoken', '/var/run/athenz/tokens/m.roletoken']],
  [
    'by format',
    { TOKEN_DIR: '', ACCESS_TOKEN_NAMING_FORMAT: '/a/{{domain}}{{delimiter}}{{role}}', ROLE_TOKEN_NAMING_FORMAT: '/z/{{domain}}{{delimiter}}{{role}}' },
    ['/a/m:role.r', '/a/m', '/z/m:role.r', '/z/m'],
  ],
])('tokens %s lie where k8s-athenz-sia puts them: without a role there is no delimiter', (_name, env, expected) => {
  const settings = settingsOf([], { ...K8S_ATHENZ_SIA, TARGET_DOMAIN_ROLES: 'm:role.r,m', ...env })
  expect(wantedTokensOf(settings).map(({ path }) => path)).toEqual(expected)
})

/** Flag and variable of k8s-athenz-sia, and the setting with its default. */
test.each<[string, string, string, keyof SiaSettings, unknown]>([
  ['key', 'KEY_FILE', '/a/k', 'outKey', ['/tls/service.key']],
  ['cert', 'CERT_FILE', '/a/c', 'outCert', ['/tls/service.cert']],
  ['out-ca-cert', 'CA_CERT_FILE', '/a/ca', 'outCaCert', '/tls/cacert.pem'],
  ['server-ca-cert', 'SERVER_CA_CERT', '/a/ca', 'serverCaCert', ''],
  ['delay-jitter-seconds', 'DELAY_JITTER_SECONDS', '7', 'delayJitterSeconds', 0],
  ['target-domain-roles', 'TARGET_DOMAIN_ROLES', '', 'targetDomainRoles', []],
  ['rolecert-dir', 'ROLECERT_DIR', '/r', 'rolecertDir', ''],
  ['role-cert-filename-delimiter', 'ROLE_CERT_FILENAME_DELIMITER', '_', 'roleCertFilenameDelimiter', ':role.'],
  ['rolecert-key-file-output', 'ROLE_CERT_KEY_FILE_OUTPUT', 'true', 'rolecertKeyFileOutput', false],
  ['role-cert-naming-format', 'ROLE_CERT_NAMING_FORMAT', '/r/{{role}}', 'roleCertNamingFormat', undefined],
  ['token-type', 'TOKEN_TYPE', 'roletoken', 'tokenType', 'accesstoken'],
  ['token-refresh-interval', 'TOKEN_REFRESH_INTERVAL', '10m', 'tokenRefreshInterval', 30 * MINUTE],
  ['token-expiry', 'TOKEN_EXPIRY', '2h', 'tokenExpiry', 0],
  ['token-dir', 'TOKEN_DIR', '/t', 'tokenDir', ''],
  ['access-token-naming-format', 'ACCESS_TOKEN_NAMING_FORMAT', '/t/{{role}}', 'accessTokenNamingFormat', undefined],
  ['role-token-naming-format', 'ROLE_TOKEN_NAMING_FORMAT', '/t/{{role}}', 'roleTokenNamingFormat', undefined],
  ['access-token-filename-delimiter', 'ACCESS_TOKEN_FILENAME_DELIMITER', '_', 'accessTokenFilenameDelimiter', ':role.'],
  ['role-token-filename-delimiter', 'ROLE_TOKEN_FILENAME_DELIMITER', '_', 'roleTokenFilenameDelimiter', ':role.'],
  ['token-server-timeout', 'TOKEN_SERVER_TIMEOUT', '1s', 'tokenServerTimeout', 3_000],
  ['role-auth-header', 'ROLE_AUTH_HEADER', 'X-Role', 'roleAuthHeader', 'Athenz-Role-Auth'],
  ['shutdown-timeout', 'SHUTDOWN_TIMEOUT', '1s', 'shutdownTimeout', 5_000],
  ['shutdown-delay', 'SHUTDOWN_DELAY', '1s', 'shutdownDelay', 0],
])('-%s and %s of k8s-athenz-sia are taken', (flag, variable, value, setting, byDefault) => {
  expect(settingsOf(['--mode=init'])[setting]).toEqual(byDefault)
  const byFlag = settingsOf(['--mode=init', `-${flag}=${value}`])[setting]
  expect(settingsOf(['--mode=init'], { [variable]: value })[setting]).toEqual(byFlag)
  if (value !== '') expect(byFlag).not.toEqual(byDefault)
})

test('intermediates are named by the variable of k8s-athenz-sia', () => {
  expect(settingsOf(['--mode=init'], { INTERMEDIATE_CERT_BUNDLE: 'athenz' }).intermediateCertBundle).toBe('athenz')
})
