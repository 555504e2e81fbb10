import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Container, containersOf, deployed, type PodSpec, podSpecOf, read, type SecurityContext } from './testing/deployed.ts'

/** What may not be held to `restricted`, and why it is in need of the host. */
const ON_THE_HOST = new Set(['athenz-identity-agent', 'athenz-uninstall'])

const withPods = deployed().flatMap((manifest) => {
  const pod = podSpecOf(manifest)
  return pod === undefined || manifest.file.startsWith('overlays/flexvolume') ? [] : [{ name: manifest.metadata.name, title: `${manifest.file}: ${manifest.metadata.name}`, manifest, pod }]
})
const ours = withPods.filter(({ manifest }) => manifest.metadata.namespace === 'k8s-admin' || manifest.metadata.namespace === 'athenz-trial')

/** Pod Security `restricted`, as far as a pod of ours could break it (kubernetes.io/docs/concepts/security/pod-security-standards). */
function breachesOf(pod: PodSpec): string[] {
  const own = ['configMap', 'emptyDir', 'projected', 'secret', 'downwardAPI']
  return [
    ...(pod.hostPID === true || pod.hostNetwork === true || pod.hostIPC === true ? ['a namespace of the host'] : []),
    ...(pod.volumes ?? []).filter((volume) => !own.some((kind) => kind in volume)).map(({ name }) => `volume ${name}`),
    ...containersOf(pod).flatMap((container) => containerBreaches(container, pod.securityContext)),
  ]
}

function containerBreaches({ name, securityContext = {} }: Container, ofPod: SecurityContext = {}): string[] {
  const { capabilities, allowPrivilegeEscalation, privileged } = securityContext
  const rules = {
    'privilege escalation': allowPrivilegeEscalation === false && privileged !== true,
    capabilities: capabilities?.drop?.includes('ALL') === true && (capabilities.add ?? []).length === 0,
    root: (securityContext.runAsNonRoot ?? ofPod.runAsNonRoot) === true && (securityContext.runAsUser ?? ofPod.runAsUser) !== 0,
    seccomp: (securityContext.seccompProfile ?? ofPod.seccompProfile)?.type === 'RuntimeDefault',
  }
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [`${name}: ${rule}`]))
}

test.each(ours.filter(({ name }) => !ON_THE_HOST.has(name)))('$title keeps Pod Security `restricted` (W3)', ({ pod }) => {
  expect(breachesOf(pod)).toEqual([])
})

test('the rules find what is wrong: the agent is in the host, and nothing else is beyond `restricted`', () => {
  const agent = withPods.find(({ name }) => name === 'athenz-identity-agent')!.pod
  expect(breachesOf(agent)).toEqual(['a namespace of the host', 'volume host', 'main: root'])
})

test.each(ours)('$title writes nowhere on its root, is bounded in memory, says what it asks for, and pulls only what is missing', ({ pod }) => {
  for (const { securityContext, resources, imagePullPolicy } of containersOf(pod)) {
    expect(securityContext?.readOnlyRootFilesystem).toBe(true)
    expect(Object.keys(resources?.requests ?? {})).toEqual(['cpu', 'memory'])
    expect(Object.keys(resources?.limits ?? {})).toEqual(['memory'])
    expect(imagePullPolicy).toBe('IfNotPresent')
  }
})

test.each(ours.filter(({ manifest }) => manifest.file.startsWith('base/')))('$title is probed, and comes before workloads', ({ pod, manifest }) => {
  const [main] = pod.containers
  expect(main).toMatchObject({ name: 'main', startupProbe: {}, livenessProbe: {}, readinessProbe: {} })
  expect(pod.priorityClassName).toBe(manifest.kind === 'DaemonSet' ? 'system-node-critical' : 'athenz-control-plane')
  expect(pod.serviceAccountName).toBe(manifest.metadata.name)
})

const control = ours.filter(({ manifest }) => manifest.file.startsWith('base/') && manifest.kind === 'Deployment')

test.each(control)('$title runs twice, apart, and may lose one at a time', ({ manifest, name }) => {
  const spread = manifest.spec?.template?.spec as unknown as { readonly topologySpreadConstraints: readonly { readonly topologyKey: string }[] }
  expect(manifest.spec?.replicas).toBe(2)
  expect(spread.topologySpreadConstraints.map(({ topologyKey }) => topologyKey)).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone'])
  const budget = read(manifest.file).find(({ kind }) => kind === 'PodDisruptionBudget')
  expect(budget?.spec).toEqual({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: { 'app.kubernetes.io/name': name } } })
})

test('every image is one of ours, of the version that this is', () => {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { readonly version: string }
  const templates = parse(read('base/initializer-config.yaml')[0]!.data!['init-config']!) as Readonly<Record<string, string>>
  const injected = ['initTemplate', 'refreshTemplate'].map((key) => (parse(templates[key]!) as Container).image)
  const images = [...withPods.flatMap(({ pod }) => containersOf(pod).map(({ image }) => image)), ...injected]
  for (const image of images) expect(image).toMatch(new RegExp(`^localhost/pallas/athenz-[a-z-]+:${version.replaceAll('.', '\\.')}$|^local/your-application:latest$`))
})

test('what is injected fits into a pod that keeps `restricted`, and asks for little', () => {
  const templates = parse(read('base/initializer-config.yaml')[0]!.data!['init-config']!) as Readonly<Record<string, string>>
  for (const key of ['initTemplate', 'refreshTemplate']) {
    const container = parse(templates[key]!) as Container
    expect(containerBreaches(container)).toEqual([])
    expect(container.resources).toEqual({ requests: { cpu: '5m', memory: '8Mi' }, limits: { memory: '32Mi' } })
  }
})

test('no pod of an example holds a secret, and every pod that asks for an identity does so by the annotation alone', () => {
  for (const { manifest, pod } of withPods.filter(({ manifest }) => manifest.metadata.namespace !== 'k8s-admin')) {
    expect(JSON.stringify(pod)).not.toMatch(/secret/i)
    const annotations = manifest.kind === 'Pod' ? manifest.metadata.annotations : manifest.spec?.template?.metadata?.annotations
    expect(annotations).toEqual({ 'initializer.kubernetes.io/athenz': 'true' })
  }
})

test('ServiceAccount tokens: none where nothing is asked of the API server, one for ZTS alone where an agent attests itself', () => {
  const agent = withPods.find(({ name }) => name === 'athenz-identity-agent')!.pod
  expect(agent.volumes).toContainEqual({
    name: 'attestation-token',
    projected: { defaultMode: 0o400, sources: [{ serviceAccountToken: { audience: 'k8s.admin.athenz-callback', expirationSeconds: 600, path: 'token' } }] },
  })
  for (const { metadata, kind } of deployed('overlays/trial').filter(({ kind }) => kind === 'ServiceAccount')) {
    expect(read('overlays/trial/' + (metadata.namespace === 'k8s-admin' ? 'zts' : 'example') + '.yaml')).toContainEqual(expect.objectContaining({ kind, metadata, automountServiceAccountToken: false }))
  }
})

test('the webhook: opted-in pods, never its own namespace or kube-system, in time', () => {
  const [webhook] = (read('base/webhook.yaml').find(({ kind }) => kind === 'MutatingWebhookConfiguration') as unknown as { webhooks: readonly Readonly<Record<string, unknown>>[] }).webhooks
  expect(webhook).toMatchObject({
    failurePolicy: 'Fail',
    sideEffects: 'None',
    reinvocationPolicy: 'IfNeeded',
    namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: expect.arrayContaining(['k8s-admin', 'kube-system']) }] },
  })
  expect(webhook!['timeoutSeconds']).toBeLessThanOrEqual(5)
})

test('every plugin directory is that of the volume which the agent mounts', () => {
  for (const name of ['gke', 'aks', 'k0s', 'kubelet-root']) {
    const component = read(`overlays/flexvolume/plugin-dirs/${name}/kustomization.yaml`)[0] as unknown as { readonly patches: readonly { readonly patch: string }[] }
    const { spec } = parse(component.patches[0]!.patch) as { readonly spec: { readonly template: { readonly spec: PodSpec } } }
    expect(spec.template.spec.volumes).toEqual([{ name: 'driver-dir', hostPath: { path: expect.stringMatching(/^(\/[\w-]+)+$/) } }])
  }
})
