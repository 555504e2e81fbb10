/** Containers of a pod's author that carry our names and all that a template says, and something of their own besides (T26). */
import { describe, expect, test } from 'vitest'
import { parseTemplates } from './templates.ts'
import { initConfig } from './testing/init-config.ts'
import { type Item, NATIVE, patched, podWith, run } from './testing/injecting.ts'

const MOUNTS = [{ name: 'sia-identity', mountPath: '/identity' }]
const templatesWith = (refresh: object) =>
  parseTemplates(initConfig({ refreshTemplate: { name: 'sia-refresh', image: 'sia:1', volumeMounts: MOUNTS, ...refresh } }))

/** The field that is told to differ after `change` in the refresher; undefined: it is still ours. */
function differs(refresh: object, change: (container: Item) => void, rules = NATIVE): string | undefined {
  const templates = templatesWith(refresh)
  const pod = patched(podWith({ hostNetwork: rules.hostNetwork === 'no-ip' }), rules, templates)
  change(pod.spec.initContainers![1]!)
  const result = run(pod, rules, templates)
  if (result.kind === 'untouched') return undefined
  const message = result.kind === 'refused' ? result.message : JSON.stringify(result)
  return /^container "sia-refresh" differs from the one that is injected at (.+)$/.exec(message)?.[1] ?? message
}

const adding = (more: object) => (it: Item) => void Object.assign(it, more)
const COMMAND = { command: ['/usr/bin/athenz-sia'] }

test.each([
  ['SIA_HOOK_COMMAND', '/bin/sh,-c,id'],
  ['OPENSSL_CONF', '/own/openssl.cnf'],
  ['BASH_ENV', '/own/x'],
  ['NODE_EXTRA_CA_CERTS', '/own/ca'],
  ['SIA_ENDPOINT', 'tcp://evil:1'],
  ['SIA_OUT_KEY', '/own/key'],
  ['SIA_KEY_ORIGIN', 'agent'],
  ['TOKEN_SERVER_ADDR', '0.0.0.0:80'],
  ['SIA_ZTS_ENDPOINT', 'https://evil'],
  ['HARMLESS', 'x'],
])('the variable %s is none of ours (T26)', (name, value) => {
  const own = { name: 'ENDPOINT', value: 'https://zts' }
  expect(differs({ ...COMMAND, env: [own] }, adding({ env: [own, { name, value }] }))).toBe(`env[${name}]`)
  expect(differs(COMMAND, adding({ env: [{ name, value }] }))).toBe('env')
})

describe.each([['that names its program', COMMAND], ['that runs the program of its image', {}]])('a template %s', (_what, refresh) => {
  test.each(['/lib', '/lib64', '/usr/lib', '/usr/bin', '/usr/bin/athenz-sia', '/etc/ld.so.preload', '/nowhere'])('takes no mount over %s (T26)', (mountPath) => {
    const mount = { name: 'own', mountPath, subPath: 'p' }
    expect(differs(refresh, adding({ volumeMounts: [...MOUNTS, mount] }))).toBe('volumeMounts[own]')
    expect(differs(refresh, adding({ volumeMounts: [mount, ...MOUNTS] }))).toBe('volumeMounts[own]')
  })
})

const PROBE = { livenessProbe: { httpGet: { path: '/healthz', port: 1 } } }
const PORT = { ports: [{ containerPort: 9090 }] }
const HOOK = { lifecycle: { preStop: { exec: { command: ['/bin/sleep', '5'] } } } }
const RIGHTS = { securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true } }

test.each<[string, object, object, string]>([
  ['a hook besides the one of the template', HOOK, { lifecycle: { ...HOOK.lifecycle, postStart: { exec: { command: ['sh'] } } } }, 'lifecycle.postStart'],
  ['a host for a probe', PROBE, { livenessProbe: { httpGet: { ...PROBE.livenessProbe.httpGet, host: '169.254.169.254' } } }, 'livenessProbe.httpGet.host'],
  ['headers for a probe', PROBE, { livenessProbe: { httpGet: { ...PROBE.livenessProbe.httpGet, httpHeaders: [{ name: 'a', value: 'b' }] } } }, 'livenessProbe.httpGet.httpHeaders'],
  ['another rhythm of a probe', PROBE, { livenessProbe: { ...PROBE.livenessProbe, periodSeconds: 3_600 } }, 'livenessProbe.periodSeconds'],
  ['a port of the host', PORT, { ports: [{ containerPort: 9090, hostPort: 9090 }] }, 'ports[0].hostPort'],
  ['no word on gaining privileges', RIGHTS, { securityContext: { runAsNonRoot: true } }, 'securityContext.allowPrivilegeEscalation'],
  ['no word on rights', RIGHTS, { securityContext: undefined }, 'securityContext'],
  ['no word on rights but what counts for nothing', RIGHTS, { securityContext: {} }, 'securityContext'],
  ['a profile of its own', {}, { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'mine' } } }, 'securityContext'],
  ['a command', {}, { command: ['/bin/sh'] }, 'command'],
  ['an argument', { args: ['--a'] }, { args: ['--a', '--b'] }, 'args[1]'],
  ['no argument', { args: ['--a'] }, { args: [] }, 'args'],
  ['a directory to start in', {}, { workingDir: '/own' }, 'workingDir'],
  ['variables of a secret', {}, { envFrom: [{ secretRef: { name: 'x' } }] }, 'envFrom'],
  ['a device', {}, { volumeDevices: [{ name: 'x', devicePath: '/dev/x' }] }, 'volumeDevices'],
  ['a device of a plug-in', {}, { resources: { limits: { 'example.org/gpu': 1 } } }, 'resources'],
  ['less than it needs', { resources: { limits: { memory: '64Mi' } } }, { resources: { limits: { memory: '6Mi' } } }, 'resources.limits.memory'],
  ['an image that need not be pulled', {}, { imagePullPolicy: 'Never' }, 'imagePullPolicy'],
  ['its log for its message', {}, { terminationMessagePolicy: 'FallbackToLogsOnError' }, 'terminationMessagePolicy'],
  ['what nobody may write into a message', {}, { ['<b>\n']: 'x' }, 'a field that is not in the template'],
])('a container that says what its template says, but %s, is refused at that field (T26)', (_what, refresh, change, field) => {
  expect(differs(refresh, adding(change))).toBe(field)
})

test('the variables of a template keep their order and their number (T26)', () => {
  const [a, b] = [{ name: 'A', value: '1' }, { name: 'B', value: '$(A)' }]
  expect(differs({ env: [a, b] }, adding({ env: [b, a] }))).toBe('env[B]')
  expect(differs({ env: [a, b] }, adding({ env: [a, b, a] }))).toBe('env[A]')
  expect(differs({ env: [a, b] }, adding({ env: [a] }))).toBe('env[B]')
})

test.each([
  ['not read-only', { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
  ['a part of something', { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true, subPath: 'p' }],
  ['elsewhere', { mountPath: '/var/run/secrets', readOnly: true }],
])('the mount of the account is the one that the server makes: %s it is not (T26)', (_what, mount) => {
  expect(differs({}, adding({ volumeMounts: [...MOUNTS, { name: 'kube-api-access-abcde', ...mount }] }))).toBe('volumeMounts[kube-api-access-abcde]')
})

const TOLERANT = { ...NATIVE, toleratedEnv: ['HTTPS_PROXY', 'ENDPOINT'], toleratedMounts: ['/etc/ssl/certs'] }
const PROXY = { name: 'HTTPS_PROXY', value: 'http://proxy:3128' }
const ROOTS = { name: 'roots', mountPath: '/etc/ssl/certs', readOnly: true }

describe('what the operator tolerates', () => {
  const own = { name: 'ENDPOINT', value: 'unix:///a' }

  test('may be there, before and after what the template says (T25)', () => {
    const template = { env: [own] }
    const list = { env: [PROXY, own], volumeMounts: [ROOTS, ...MOUNTS] }
    expect(differs(template, adding(list), TOLERANT)).toBeUndefined()
    expect(differs(template, adding({ env: [own, PROXY], volumeMounts: [...MOUNTS, ROOTS] }), TOLERANT)).toBeUndefined()
    expect(differs({}, adding({ env: [PROXY] }), TOLERANT)).toBeUndefined()
    expect(differs(template, adding({ env: list.env }))).toBe('env[HTTPS_PROXY]')
  })

  test('is no leave to change a variable or a mount of the template (T26)', () => {
    const roots = { volumeMounts: [...MOUNTS, ROOTS] }
    expect(differs({ env: [own] }, adding({ env: [own, { ...own, value: 'unix:///b' }] }), TOLERANT)).toBe('env[ENDPOINT]')
    expect(differs({ env: [own] }, adding({ env: [] }), TOLERANT)).toBe('env')
    expect(differs(roots, adding({ volumeMounts: [...MOUNTS, { ...ROOTS, name: 'own' }] }), TOLERANT)).toMatch(/^volumeMounts/)
  })

  test.each(['/etc/ssl/certs/x', '/etc/ssl', '/etc/ssl/certs/../../lib'])('is that very path, not %s (T26)', (mountPath) => {
    expect(differs({}, adding({ volumeMounts: [...MOUNTS, { ...ROOTS, mountPath }] }), TOLERANT)).toBe('volumeMounts[roots]')
  })

  test('shows nothing on the host (T26)', () => {
    const mount = { ...ROOTS, mountPropagation: 'Bidirectional' }
    expect(differs({}, adding({ volumeMounts: [...MOUNTS, mount] }), TOLERANT)).toBe('volumeMounts[roots]')
  })
})

const IP = { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }

test.each<[string, object, object]>([
  ['a port', PORT, { ports: [{ containerPort: 9090, protocol: 'TCP' }] }],
  ['a probe', PROBE, {
    livenessProbe: { httpGet: { ...PROBE.livenessProbe.httpGet, scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  }],
  ['a variable', { env: [IP, { name: 'E', value: '' }] }, { env: [{ ...IP, valueFrom: { fieldRef: { fieldPath: 'status.podIP', apiVersion: 'v1' } } }, { name: 'E' }] }],
  ['what is left empty', { stdin: false, args: [], workingDir: '', env: null }, { stdin: undefined, args: undefined, workingDir: undefined, env: undefined }],
  ['a container', {}, { imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }],
  ['a pull policy that all must have', { imagePullPolicy: 'Never' }, { imagePullPolicy: 'Always' }],
  ['limits', { resources: { limits: { cpu: '1000m' } } }, { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: 1, memory: '1Gi' } } }],
])('what the server makes of %s is still ours (T25)', (_what, refresh, served) => {
  expect(differs(refresh, adding(served))).toBeUndefined()
})

test.each([
  ['sia', 'Always'],
  ['sia:latest', 'Always'],
  ['r:5000/sia', 'Always'],
  ['sia:1', 'IfNotPresent'],
  [`sia@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  [`sia:latest@sha256:${'0'.repeat(64)}`, 'Always'],
])('the pull policy of %s is %s where the template says none (T25, T26)', (image, imagePullPolicy) => {
  expect(differs({ image }, adding({ imagePullPolicy }))).toBeUndefined()
  if (imagePullPolicy === 'Always') expect(differs({ image }, adding({ imagePullPolicy: 'IfNotPresent' }))).toBe('imagePullPolicy')
})

test.each<[string, object, object]>([
  ['a mount', { name: 'v', hostPath: { path: '/x' } }, { name: 'v', hostPath: { path: '/x', type: '' } }],
  ['a file of a config map', { name: 'v', configMap: { name: 'c' } }, { name: 'v', configMap: { name: 'c', defaultMode: 420 } }],
  ['an option', { name: 'v', csi: { driver: 'd' } }, { name: 'v', csi: { driver: 'd', volumeAttributes: {} } }],
])('what the server makes of a volume with %s is still ours, and nothing else is (T25, T26)', (_what, volume, served) => {
  const mounts = { image: 'i', volumeMounts: [{ name: 'v', mountPath: '/identity' }] }
  const changes = { volumeTemplate: volume, initTemplate: { name: 'sia-init', ...mounts }, refreshTemplate: { name: 'sia-refresh', ...mounts } }
  const templates = parseTemplates(initConfig(changes))
  const pod = patched(podWith(), NATIVE, templates)
  pod.spec.volumes![0] = served as Item
  expect(run(pod, NATIVE, templates)).toEqual({ kind: 'untouched' })
  pod.spec.volumes![0] = { ...(served as Item), emptyDir: {} }
  expect(run(pod, NATIVE, templates)).toMatchObject({ kind: 'refused', message: 'volume "v" differs from the one that is injected at emptyDir' })
})

test('on the network of its host the server gives a port the number there, and no other (T25, T26)', () => {
  const rules = { ...NATIVE, hostNetwork: 'no-ip' } as const
  expect(differs(PORT, adding({ ports: [{ containerPort: 9090, hostPort: 9090, protocol: 'TCP' }] }), rules)).toBeUndefined()
  expect(differs(PORT, adding({ ports: [{ containerPort: 9090, hostPort: 22 }] }), rules)).toBe('ports[0].hostPort')
})
