/** What a team brings along from the original's agent, read by our own schema and code (spec/athenz-suite.md 1–3, 11.1, 18). */
import { readProgram } from '@pallas/config'
import { readSettings } from '@pallas/config/testing'
import { IdentityError, workloadOf } from '@pallas/identity'
import { someNameRules } from '@pallas/identity/testing'
import { AGENT_ROUTES, parseVolumeContext, parseVolumeData, volumePaths, VOLUME_MODES } from '@pallas/wire'
import { parseClusterConfig } from '@pallas/wire/cluster-config'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { expandVariables } from './expand.ts'
import { type IdentityAgentSettings, program } from './settings.ts'
import { parseTarget } from './target.ts'
import { NAMES, POD } from './testing/one-pod.ts'
import { handleOf } from './testing/volume-tree.ts'

const NEEDED = {
  key: '/var/athenz/node/identity/service.key',
  cert: '/var/athenz/node/identity/service.cert',
  'pod-endpoint': 'https://node:10250',
  'jwt-endpoint': 'https://athenz-jwt-service.k8s-admin.svc.cluster.local:4443/v1',
}

function read(flags: Readonly<Record<string, string>> = {}, env: Record<string, string> = {}, dashes = '--') {
  const argv = Object.entries({ ...NEEDED, ...flags }).map(([flag, value]) => `${dashes}${flag}=${value}`)
  return readSettings(program, { argv, env })
}

const withoutFlags = (env: Record<string, string>) => readSettings(program, { env })

const SOCKET = { kind: 'unix', path: '/var/athenz/agent/agent.sock' }

/** Flag, environment name, a value and what is read of it. */
const SETTINGS: readonly (readonly [string, string, string, keyof IdentityAgentSettings, unknown])[] = [
  ['listen', 'ADDR', 'unix:///var/athenz/agent/agent.sock', 'listen', SOCKET],
  ['key', 'KEY_FILE', '/k', 'key', '/k'],
  ['cert', 'CERT_FILE', '/c', 'cert', '/c'],
  ['pod-endpoint', 'POD_ENDPOINT', 'http://${NODE_NAME}:10255', 'podEndpoint', 'http://${NODE_NAME}:10255'],
  ['jwt-endpoint', 'JWT_ENDPOINT', 'https://jwt:4443/v1', 'jwtEndpoint', 'https://jwt:4443/v1'],
  ['pod-service-timeout', 'POD_TIMEOUT', '1m30s', 'podServiceTimeout', 90_000],
  ['jwt-service-timeout', 'JWT_TIMEOUT', '1.5s', 'jwtServiceTimeout', 1_500],
  ['shutdown-grace', 'SHUTDOWN_GRACE', '5s', 'shutdownGrace', 5_000],
  ['driver-source', 'DRIVER_SOURCE', '/s', 'driverSource', '/s'],
  ['driver-target', 'DRIVER_TARGET', '/driver-mount/athenz-volume-driver', 'driverTarget', '/driver-mount/athenz-volume-driver'],
  ['config', 'CONFIG_URL', '/etc/cluster.yaml', 'config', '/etc/cluster.yaml'],
]

test.each(SETTINGS)('--%s and %s are taken as of the original (C10)', (flag, variable, value, setting, expected) => {
  const env = Object.fromEntries(SETTINGS.map(([, name, text]) => [name, text]))
  expect(read({ [flag]: value })[setting]).toEqual(expected)
  expect(read({ [flag]: value }, {}, '-')[setting]).toEqual(expected)
  expect(withoutFlags(env)[setting]).toEqual(expected)
  expect(read({ [flag]: value }, { ...env, [variable]: 'of no use' })[setting]).toEqual(expected)
  expect(withoutFlags({ ...env, [variable]: value })[setting]).toEqual(expected)
})

test.each<[keyof IdentityAgentSettings, string, unknown]>([
  ['podServiceTimeout', 'POD_TIMEOUT', 10_000],
  ['jwtServiceTimeout', 'JWT_TIMEOUT', 10_000],
  ['shutdownGrace', 'SHUTDOWN_GRACE', 10_000],
  ['driverSource', 'DRIVER_SOURCE', '/usr/bin/athenz-volume-driver'],
  ['driverTarget', 'DRIVER_TARGET', '/drivers/athenz-volume-driver'],
  ['config', 'CONFIG_URL', '/var/cluster/config.yaml'],
  ['volumesDir', 'IDENTITY_AGENT_VOLUMES_DIR', '/var/athenz/volumes'],
])('%s has the default of the original; an empty %s counts as none (C3, C10)', (setting, variable, expected) => {
  expect(read()[setting]).toBe(expected)
  expect(read({}, { [variable]: '' })[setting]).toBe(expected)
})

test('an empty --driver-target switches the copy off (C10)', () => {
  expect(read({ 'driver-target': '' }).driverTarget).toBe('')
})

test("the arguments of the original's DaemonSet are understood (C10)", () => {
  const env = { NODE_NAME: 'node-7' }
  const settings = read({
    'driver-source': '/usr/bin/athenz-volume-driver',
    'driver-target': '/driver-mount/athenz-volume-driver',
    listen: 'unix:///var/athenz/agent/agent.sock',
    'pod-endpoint': 'http://${NODE_NAME}:10255',
  })
  expect(settings).toMatchObject({ listen: SOCKET, isolation: 'per-workload', kubeletReadOnlyPort: false })
  expect(expandVariables(settings.podEndpoint, env)).toBe('http://node-7:10255')
})

test.each([
  ['--listen may be left out: volumes have sockets of their own', {}, 'listen', undefined],
  ['isolation is per workload', {}, 'isolation', 'per-workload'],
  ['handles that can be computed are not served', {}, 'unkeyedHandles', false],
  ['the read-only port is not believed', {}, 'kubeletReadOnlyPort', false],
  ['keys are P-256', {}, 'keyAlgorithm', 'ec-p256'],
] as const)('deviation: %s by default; a setting gives the original back (C3, C10)', (_name, flags, setting, expected) => {
  expect(read(flags)[setting]).toBe(expected)
  const original = { isolation: 'shared', 'unkeyed-handles': 'true', 'kubelet-read-only-port': 'true', 'key-algorithm': 'rsa-2048' }
  const [given] = [read({ ...original, listen: 'unix:///var/athenz/agent/agent.sock' })[setting]]
  expect(given).not.toEqual(expected)
})

test.each([
  ['a socket of tcp, on which the kernel knows no caller', { listen: 'tcp://127.0.0.1:80' }, '--listen must be unix'],
  ['a JWT service without TLS', { 'jwt-endpoint': 'http://jwt:4443/v1' }, '--jwt-endpoint'],
])('deviation: %s is refused, with exit code 64 (C10)', (_name, flags, problem) => {
  expect(() => read(flags)).toThrow(problem)
})

test('every missing setting is named at once (C10)', () => {
  for (const name of ['--pod-endpoint', '--jwt-endpoint']) expect(() => withoutFlags({})).toThrow(name)
})

test.each(['--version', '-version', '--help', '-h'])('%s prints and starts nothing (C10)', (flag) => {
  expect(readProgram(program, { argv: [flag], env: {}, version: '1.2.3' })).toMatchObject({ kind: 'print' })
})

test('the paths on the host are those of the original (C3)', () => {
  const handle = handleOf(POD)
  const root = `/var/athenz/volumes/${handle}`
  expect(volumePaths(read().volumesDir, handle)).toMatchObject({
    root,
    data: `${root}/data.json`,
    context: `${root}/context.json`,
    id: `${root}/mount/id`,
    socket: `${root}/mount/connect/agent.sock`,
  })
  expect(VOLUME_MODES.root).toBe(0o750)
})

test('data.json keeps its keys and may have more; deviation: one without the UID of a pod, as of the original driver, is not believed (C3, W8)', () => {
  const original = { namespace: 'user-apps', name: 'app-0' }
  const ours = { ...original, uid: POD.uid, serviceAccount: 'app', mountDir: '/m', createdAt: '2030-01-01T00:00:00Z' }
  expect(parseVolumeData(JSON.stringify({ ...ours, more: 1 }))).toMatchObject(original)
  expect(() => parseVolumeData(JSON.stringify(original))).toThrow(expect.objectContaining({ code: 'VOLUME_UNTRUSTED' }))
})

test('deviation: context.json of the original counts as none: the pod is registered anew (C3)', () => {
  const original = { Domain: 'user.apps', Service: 'app', ProviderService: 'k8s.admin.cb', SANNames: [], SANIPs: [], SANURIs: [], InstanceID: 'app-0' }
  expect(parseVolumeContext(JSON.stringify(original))).toBeUndefined()
})

test.each([
  ['init', 'POST', '/v1/init/', 'init'],
  ['refresh', 'POST', '/v1/refresh/', 'refresh'],
] as const)('%s has its path and method (C4)', (_name, method, prefix, action) => {
  const handle = handleOf(POD)
  expect(AGENT_ROUTES[action]).toBe(prefix)
  expect(parseTarget(method, prefix + handle)).toEqual({ action, handle })
})

test.each([
  ['another method', 'GET', `/v1/init/${handleOf(POD)}`, 405, 404, 'ROUTE_UNKNOWN'],
  ['a slash behind', 'POST', `/v1/init/${handleOf(POD)}/`, 301, 400, 'HANDLE_INVALID'],
  ['a path to clean', 'POST', `/v1//init/${handleOf(POD)}`, 301, 404, 'ROUTE_UNKNOWN'],
  ['an escaped slash', 'POST', `/v1/init/${handleOf(POD)}%2Fmount`, 200, 400, 'HANDLE_INVALID'],
] as const)('deviation: to %s the original says %s %s %i, we say %i %s (C4, W1)', (_name, method, target, _original, _ours, code) => {
  const parse = () => parseTarget(method, target)
  expect(parse).toThrow(IdentityError)
  expect(parse).toThrow(expect.objectContaining({ code }))
})

test("the certificate has the original's names; deviation: the instance id is the UID of the pod, the URI that of Athenz (C7, W8)", () => {
  expect(workloadOf(POD, someNameRules()).names).toEqual(NAMES)
  const original = workloadOf(POD, someNameRules({ spiffeForm: 'original' }))
  expect(original.names.uri).toEqual(['spiffe://cluster.local/ns/media-on--air/sa/web'])
})

test("the cluster's file of the original is read as it is (C10)", async () => {
  const { certPem } = await TestCa.create()
  const bundle = certPem.trim().replaceAll('\n', '\n    ')
  const config = parseClusterConfig(`dns-suffix: svc.cluster.local
admin-domain: k8s.admin
zts-endpoint: https://mock-athenz.k8s-admin.svc.cluster.local:4443/zts/v1
provider-service: k8s.admin.athenz-callback
trust-roots:
  athenz: |
    ${bundle}
  athenz-service: |
    ${bundle}
auth-header: Athenz-Principal-Auth
`)
  expect(config).toMatchObject({ providerService: 'k8s.admin.athenz-callback', adminDomain: 'k8s.admin', dnsSuffix: 'svc.cluster.local' })
})
