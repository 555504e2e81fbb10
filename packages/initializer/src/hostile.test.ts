/** Parts of a pod that only look like ours: refused with a message, never taken for injected (T26). */
import { expect, test } from 'vitest'
import { parseTemplates } from './templates.ts'
import { initConfig, served } from './testing/init-config.ts'
import { type Item, NATIVE, patched, podWith, run } from './testing/injecting.ts'
import { asking, openWebhook, plainSpec, REVIEW_UID, reviewOf } from './testing/webhook.ts'

const OWN_MOUNTS = served(patched(podWith())).spec.initContainers![0]!['volumeMounts'] as { readonly mountPath: string }[]
const mount = (more: object) => ({ volumeMounts: [...OWN_MOUNTS, { name: 'own', ...more }] })
const RESOURCES = { limits: { cpu: '1', memory: '512Mi' }, requests: { cpu: '100m', memory: '64Mi' } }
const security = (securityContext: object) => ({ securityContext })
const env = (...variables: readonly object[]) => ({ env: variables })

/** A pod that was injected and came back with `change` in one of our containers. */
function changed(change: object, at = 0) {
  const pod = served(patched(podWith()))
  Object.assign(pod.spec.initContainers![at]!, change)
  return pod
}

test.each<[string, object]>([
  ['privileged', security({ privileged: true })],
  ['allowed to gain privileges', security({ allowPrivilegeEscalation: true })],
  ['with one more capability', security({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })],
  ['as root', security({ runAsUser: 0 })],
  ['as root by group', security({ runAsGroup: 0 })],
  ['free to be root', security({ runAsNonRoot: false })],
  ['with an unmasked /proc', security({ procMount: 'Unmasked' })],
  ['without seccomp', security({ seccompProfile: { type: 'Unconfined' } })],
  ['without apparmor', security({ appArmorProfile: { type: 'Unconfined' } })],
  ['with another selinux type', security({ seLinuxOptions: { type: 'spc_t' } })],
  ['as a process of its host', security({ windowsOptions: { hostProcess: true } })],
  ['with a right that nobody knows yet', security({ constructor: true })],
  ['that loads a library', env({ name: 'LD_PRELOAD', value: '/own/x.so' })],
  ['that loads a script', env({ name: 'NODE_OPTIONS', value: '--require=/own/x' })],
  ['with its program covered', mount({ mountPath: '/usr/bin/athenz-sia' })],
  ['with the directory of its program covered', mount({ mountPath: '/usr/bin/' })],
  ['with the root covered', mount({ mountPath: '/' })],
  ['with the identity covered', mount({ mountPath: '/identity' })],
  ['with a mount over the socket', mount({ mountPath: '/identity/connect' })],
  ['with a mount that takes a detour', mount({ mountPath: '/own/../tls' })],
  ['with a relative mount', mount({ mountPath: 'tls' })],
  ['with a mount that is no path', mount({ mountPath: 7 })],
  ['with a mount that shows on the host', mount({ mountPath: '/own', mountPropagation: 'Bidirectional' })],
  ['with another part of our volume', { volumeMounts: OWN_MOUNTS.map((it) => ({ ...it, subPath: '../../x' })) }],
  ['whose key is shown in the status', { terminationMessagePath: '/tls/service.key' }],
  ['with a device', { resources: { ...RESOURCES, claims: [{ name: 'gpu' }] } }],
  ['with variables from a secret', { envFrom: [{ secretRef: { name: 'x' } }] }],
  ['that runs something first', { lifecycle: { postStart: { exec: { command: ['sh'] } } } }],
  ['with a shell', { stdin: true, tty: true }],
  ['with an image that looks like ours', { image: 'evil/local/k8s-athenz-sia:latest' }],
  ['with an image of our name at a registry', { image: 'local.example/local/k8s-athenz-sia:latest' }],
  ['with our image under another digest', { image: `local/k8s-athenz-sia:latest@sha256:${'0'.repeat(64)}` }],
  ['with our image in letters that look alike', { image: 'lоcal/k8s-athenz-sia:latest' }],
])('a container named like ours, %s, is not ours (T26)', (_what, change) => {
  for (const [at, name] of ['sia-init', 'sia-refresh'].entries()) {
    const message: unknown = expect.stringMatching(`^container "${name}" differs from the one that is injected at [a-zA-Z.]+([[][a-z]+[\\]][a-zA-Z.]*)?$`)
    expect(run(changed(change, at))).toEqual({ kind: 'refused', reason: 'INJECTION_COLLISION', message })
  }
})

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  appArmorProfile: { type: 'RuntimeDefault' },
  capabilities: { drop: ['ALL'] },
  privileged: false,
  procMount: 'Default',
  readOnlyRootFilesystem: true,
  runAsGroup: 1_000,
  runAsNonRoot: true,
  runAsUser: 1_000_650_000,
  seLinuxOptions: { level: 's0:c1,c2' },
  seccompProfile: { type: 'RuntimeDefault' },
}

test.each<[string, object]>([
  ['fewer rights', security(RESTRICTED)],
  ['a pull policy that all must have', { imagePullPolicy: 'Always' }],
])('what others are known to add to our container is left there: %s (T25)', (_what, change) => {
  expect(run(changed(change))).toEqual({ kind: 'untouched' })
})

test('a variable of the template is neither given twice nor given a value (T26)', () => {
  const ip = { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }
  const variables = [{ name: 'ENDPOINT', value: 'unix:///a' }, { name: 'EMPTY' }, ip]
  const init = { name: 'sia-init', image: 'i', env: variables, volumeMounts: [{ name: 'sia-identity', mountPath: '/identity' }] }
  const templates = parseTemplates(initConfig({ initTemplate: init }))
  const after = (list: readonly object[]) => {
    const pod = patched(podWith(), NATIVE, templates)
    pod.spec.initContainers![0]!['env'] = list
    return run(pod, NATIVE, templates)
  }
  const [endpoint, empty] = variables
  const servedIp = { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP', apiVersion: 'v1' } } }
  expect(after([endpoint!, empty!, servedIp])).toEqual({ kind: 'untouched' })
  expect(after([...variables, { name: 'ENDPOINT', value: 'unix:///b' }])).toMatchObject({ kind: 'refused' })
  expect(after([endpoint!, { name: 'EMPTY', value: 'x' }, servedIp])).toMatchObject({ kind: 'refused' })
})

test('the token of the account may lie below a directory of the template (T25)', () => {
  const init = { name: 'sia-init', image: 'i', volumeMounts: [{ name: 'sia-identity', mountPath: '/var/run' }] }
  const templates = parseTemplates(initConfig({ initTemplate: init }))
  expect(run(served(patched(podWith(), NATIVE, templates)), NATIVE, templates)).toEqual({ kind: 'untouched' })
})

test('a list of the template has no more members than it says (T26)', () => {
  const ports = [{ containerPort: 8080 }]
  const refresh = { name: 'sia-refresh', image: 'i', ports, volumeMounts: [{ name: 'sia-identity', mountPath: '/identity' }] }
  const templates = parseTemplates(initConfig({ refreshTemplate: refresh }))
  const pod = patched(podWith(), NATIVE, templates)
  const sidecar = pod.spec.initContainers![1]!
  sidecar['ports'] = [{ containerPort: 8080, protocol: 'TCP' }]
  expect(run(pod, NATIVE, templates)).toEqual({ kind: 'untouched' })
  sidecar['ports'] = [{ containerPort: 8080 }, { containerPort: 22, hostPort: 22 }]
  expect(run(pod, NATIVE, templates)).toMatchObject({ kind: 'refused' })
})

test('a template may say what others may not add (T26)', () => {
  const securityContext = { runAsUser: 0, capabilities: { drop: ['ALL'] } }
  const init = { name: 'sia-init', image: 'i', securityContext, volumeMounts: [{ name: 'sia-identity', mountPath: '/identity' }] }
  const templates = parseTemplates(initConfig({ initTemplate: init }))
  const pod = patched(podWith(), NATIVE, templates)
  expect(run(pod, NATIVE, templates)).toEqual({ kind: 'untouched' })
  pod.spec.initContainers![0]!['securityContext'] = { runAsUser: 0, capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }
  expect(run(pod, NATIVE, templates)).toMatchObject({ kind: 'refused' })
})

/** JSON in which a key is what an object literal could not hold. */
const raw = (key: string, value: string): string =>
  JSON.stringify(reviewOf({ metadata: asking, spec: plainSpec })).replace('"metadata":{', `"metadata":{"${key}":${value},`)

test('keys of a prototype are denied with a message or are keys like others, and change nothing for the next (T26)', async () => {
  await using it = await openWebhook()
  for (const hostile of [raw('__proto__', '{"annotations":{}}'), raw('constructor', '{"prototype":{"allowed":true}}')]) {
    const { status, body } = await it.post(hostile)
    expect(status).toBe(200)
    expect(body.response).toMatchObject({ uid: REVIEW_UID, allowed: false, status: { reason: 'POD_UNSUPPORTED' } })
    expect(body.response?.status?.message).toContain('__proto__')
  }
  expect((await it.post(raw('__proto__', '{').replace('}', ''))).status).toBe(400)
  const annotations = { ...asking.annotations, constructor: 'x', toString: 'y', hasOwnProperty: 'z' }
  const { body } = await it.post(reviewOf({ metadata: { annotations }, spec: plainSpec }))
  expect(body.response).toMatchObject({ uid: REVIEW_UID, allowed: true, patchType: 'JSONPatch' })
  const { body: next } = await it.post(reviewOf({ metadata: {}, spec: plainSpec }))
  expect(next.response).toEqual({ uid: REVIEW_UID, allowed: true })
})

test('a pod that asks for nothing passes whatever its keys are: others say what they think of them (T25)', async () => {
  await using it = await openWebhook()
  const text = JSON.stringify(reviewOf({ metadata: { annotations: {} }, spec: plainSpec })).replace('"annotations":{', '"annotations":{"__proto__":"x"')
  expect((await it.post(text)).body.response).toEqual({ uid: REVIEW_UID, allowed: true })
})

test('a megabyte of annotation and a name without end are neither repeated nor logged (T26, T46)', async () => {
  await using it = await openWebhook()
  const long = 'x'.repeat(1_048_576)
  const metadata = { annotations: { ...asking.annotations, note: long }, generateName: `${long}\n` }
  const { body } = await it.post(reviewOf({ metadata, spec: plainSpec }, { name: long }))
  expect(body.response?.allowed).toBe(true)
  expect(JSON.stringify(body).length).toBeLessThan(10_000)
  expect(JSON.stringify(it.memory.records).length).toBeLessThan(10_000)
})

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)

test.each<[string, object]>([
  ['deep in its environment', { env: [{ name: 'X', value: nested(5_000) }] }],
  ['deep in its rights', { securityContext: { capabilities: nested(5_000) } }],
  ['with a quantity of a million digits', { resources: { ...RESOURCES, limits: { cpu: '9'.repeat(1_000_000), memory: '512Mi' } } }],
])('a container named like ours, %s, is answered like any other (T26, T44)', async (_what, change) => {
  await using it = await openWebhook()
  const { spec } = changed(change) as { spec: { initContainers?: Item[] } }
  const { status, body } = await it.post(reviewOf({ metadata: asking, spec }))
  expect(status).toBe(200)
  expect(body.response?.uid).toBe(REVIEW_UID)
  expect(body.response).not.toHaveProperty('patch')
})
