/** The manifests of `deploy/`, as the sandbox applies them: what is proven here is what stands there. */
import { REPOSITORY } from '@pallas/build'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rule } from '@pallas/kubernetes/testing'
import { parse, parseAllDocuments, stringify } from 'yaml'

export interface InjectionOptions {
  /** Upper bound of the wait between renewals; empty: half of the certificate's life. */
  readonly refreshInterval: string
  /** Where the key comes from: the pod makes it, or the agent. */
  readonly keyOrigin: 'pod' | 'agent'
  /** How long an init container tries; empty: the program's default. */
  readonly initTimeout: string
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

interface RoleManifest extends Manifest {
  readonly rules: readonly Pick<Rule, 'apiGroups' | 'resources' | 'resourceNames' | 'verbs'>[]
}

interface BindingManifest extends Manifest {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects: readonly { readonly kind: 'ServiceAccount'; readonly name: string; readonly namespace: string }[]
}

const read = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(REPOSITORY, 'deploy', path), 'utf8')).map((document) => document.toJS() as Manifest)

const one = (path: string, kind: string): Manifest => {
  const found = read(path).find((manifest) => manifest.kind === kind)
  if (found === undefined) throw new Error(`deploy/${path} holds no ${kind}`)
  return found
}

/** Roles and bindings of `base/rbac.yaml` as rules for users. */
export function deployedRules(): Rule[] {
  const manifests = read('base/rbac.yaml')
  return manifests.filter(isBinding).flatMap(({ roleRef, subjects, metadata: { namespace } }) => {
    const role = manifests.find((it) => it.kind === roleRef.kind && it.metadata.name === roleRef.name) as RoleManifest | undefined
    if (role === undefined) throw new Error(`deploy/base/rbac.yaml binds ${roleRef.name}, which it does not have`)
    const users = subjects.map((subject) => `system:serviceaccount:${subject.namespace}:${subject.name}`)
    return role.rules.map((rule) => ({ ...rule, users, ...(namespace === undefined ? {} : { namespaces: [namespace] }) }))
  })
}

const isBinding = (manifest: Manifest): manifest is BindingManifest => manifest.kind.endsWith('RoleBinding')

/** `base/initializer-config.yaml`, its two containers told what this sandbox wants of them. */
export function initializerConfigMap({ refreshInterval, keyOrigin, initTimeout }: InjectionOptions): object {
  const manifest = one('base/initializer-config.yaml', 'ConfigMap') as Manifest & { readonly data: { readonly 'init-config': string } }
  const config = parse(manifest.data['init-config']) as Record<string, string>
  const origin = `--key-origin=${keyOrigin}`
  const interval = refreshInterval === '' ? [] : [`--refresh-interval=${refreshInterval}`]
  const patience = initTimeout === '' ? [] : [`--init-timeout=${initTimeout}`]
  const initTemplate = withArgs(config['initTemplate'] ?? '', [origin, ...patience])
  const refreshTemplate = withArgs(config['refreshTemplate'] ?? '', [origin, ...interval])
  return { ...manifest, data: { 'init-config': stringify({ ...config, initTemplate, refreshTemplate }) } }
}

function withArgs(template: string, more: readonly string[]): string {
  const container = parse(template) as { readonly args: readonly string[] }
  return stringify({ ...container, args: [...container.args, ...more] })
}

interface WebhookManifest extends Manifest {
  readonly webhooks: readonly { readonly clientConfig: object }[]
}

/** `base/webhook.yaml`; with roots for whoever gives the webhook its certificate. */
export function webhookConfiguration(rootsPem?: string): object {
  const manifest = one('base/webhook.yaml', 'MutatingWebhookConfiguration') as WebhookManifest
  const trust = rootsPem === undefined ? {} : { caBundle: Buffer.from(rootsPem).toString('base64') }
  return { ...manifest, webhooks: manifest.webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, ...trust } })) }
}

/** `example/pod.yaml`. */
export const examplePod = (): object => one('example/pod.yaml', 'Pod')

export interface RolePod {
  readonly name: string
  readonly serviceAccount: string
  readonly ztsEndpoint: string
}

interface PodManifest extends Manifest {
  readonly spec: { readonly initContainers: readonly { readonly args: readonly string[] }[] }
}

/** `example/pod-with-role.yaml` under another name, for the ZTS that there is. */
export function rolePod({ name, serviceAccount, ztsEndpoint }: RolePod): object {
  const { spec, ...rest } = one('example/pod-with-role.yaml', 'Pod') as PodManifest
  const told = (arg: string): string => (arg.startsWith('--zts-endpoint=') ? `--zts-endpoint=${ztsEndpoint}` : arg)
  const initContainers = spec.initContainers.map((container) => ({ ...container, args: container.args.map(told) }))
  const more = { serviceAccountName: serviceAccount, terminationGracePeriodSeconds: 2, initContainers }
  return { ...rest, metadata: { ...rest.metadata, name }, spec: { ...spec, ...more } }
}
