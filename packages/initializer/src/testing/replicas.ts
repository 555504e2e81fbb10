/** An API server that calls the webhook as `deploy/base/webhook.yaml` says, and replicas that make their own certificates. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '@pallas/config/testing'
import { CONFIG_MAPS, MUTATING_WEBHOOKS, pathOf, PODS, readWebhookRoots } from '@pallas/kubernetes'
import { loopbackCredentials, newPodObject, type Rule, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { type Clock, systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { readCertificates } from '@pallas/x509'
import { parse, parseAllDocuments } from 'yaml'
import { program, startInitializer } from '../index.ts'
import { initConfig, TRIGGER } from './init-config.ts'

const HOME = { namespace: 'k8s-admin', name: 'athenz-initializer' }
const USER = 'system:serviceaccount:k8s-admin:athenz-initializer'
const WEBHOOK = pathOf(MUTATING_WEBHOOKS, { name: HOME.name })

const deployed = (file: string): string => readFileSync(new URL(`../../../../deploy/base/${file}`, import.meta.url), 'utf8')

interface Role {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly Rule[]
}

/** What `rbac.yaml` allows the initializer, and nothing else. */
function deployedRules(): Rule[] {
  const roles = parseAllDocuments(deployed('rbac.yaml')).map((document) => document.toJS() as Role)
  const own = roles.filter(({ kind, metadata }) => kind.endsWith('Role') && metadata.name === HOME.name)
  return own.flatMap(({ rules = [], metadata: { namespace } }) =>
    rules.map((rule) => ({ ...rule, users: [USER], ...(namespace === undefined ? {} : { namespaces: [namespace] }) })),
  )
}

export const webhookManifest = (): object => parse(deployed('webhook.yaml')) as object

export async function openReplicas({ rules = deployedRules() }: { readonly rules?: readonly Rule[] } = {}) {
  await using scope = new AsyncDisposableStack()
  const serverCredentials = await loopbackCredentials()
  const world = { users: { [USER]: {} }, rules, namespaces: ['media', HOME.namespace], serviceAccounts: [{ namespace: 'media', name: 'web' }] }
  const server = scope.use(await startEmbeddedApiServer({ serverCredentials, world }))
  const admin = server.client('admin')
  await admin.create(pathOf(CONFIG_MAPS, { namespace: HOME.namespace }), { metadata: HOME, data: { 'init-config': initConfig() } })
  await admin.create(pathOf(MUTATING_WEBHOOKS), webhookManifest())
  const directory = await mkdtemp(join(tmpdir(), 'replicas-'))
  scope.defer(() => rm(directory, { recursive: true }))
  const [apiCa, apiTokenFile] = [join(directory, 'ca'), join(directory, 'token')]
  await writeFile(apiCa, serverCredentials.caPem)
  await writeFile(apiTokenFile, server.tokenFor(USER))
  const replicas = scope.use(new AsyncDisposableStack())
  const common = { apiServer: server.url, apiCa, apiTokenFile, configNamespace: HOME.namespace, listen: '127.0.0.1:0', adminListen: '127.0.0.1:0' }
  const quick = { certificateLife: '5s', bundleInterval: '100ms', bundleSettle: '500ms', shutdownGrace: '1s', drain: '0s' }

  /** One more replica; the API server calls it from `call()` on. */
  const start = async (podName: string, settings: Readonly<Record<string, string>> = {}, clock: Clock = systemClock) => {
    const [memory, metrics] = [memoryLog(), testMetrics()]
    const given = readSettings(program, { file: { ...common, ...quick, podName, ...settings } })
    const replica = await startInitializer(given, { clock, log: memory.log, metrics })
    replicas.use(replica)
    const readiness = async (): Promise<string> => {
      const answer = await fetch(`${replica.adminUrl}/readyz`)
      return answer.ok ? 'ready' : ((await answer.json()) as { checks: Record<string, string> }).checks['trust'] ?? 'not ready'
    }
    const call = () => void server.endpoints.set(`${HOME.namespace}/${HOME.name}`, new URL(replica.url).host)
    return { podName, memory, metrics, readiness, call, stop: () => replica[Symbol.asyncDispose]() }
  }
  /** Makes a pod that asks, for show only; resolves to whether it came out injected. */
  const isInjected = async (annotations: object = { [TRIGGER]: 'true' }): Promise<boolean> => {
    const pod = newPodObject({ generateName: 'web-', annotations }, { serviceAccountName: 'web' })
    const made = await admin.create(`${pathOf(PODS, { namespace: 'media' })}?dryRun=All`, pod)
    return JSON.stringify(made['spec']).includes('"sia-init"')
  }
  const roots = async (): Promise<string> => (await readWebhookRoots(admin, HOME.name))?.bundles[0] ?? ''
  /** Whose authorities stand there, in their order. */
  const pods = async (): Promise<string[]> => readCertificates(await roots()).map(({ commonName = '' }) => commonName.split('.')[0] ?? '')
  /** As somebody would who applies a manifest that says so. */
  const overwrite = (text: string) => {
    const value = Buffer.from(text).toString('base64')
    return admin.patch(WEBHOOK, { kind: 'json', patch: [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value }] })
  }
  const parts = scope.move()
  return { server, admin, start, isInjected, roots, pods, overwrite, read: () => admin.get(WEBHOOK), [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

export type Replica = Awaited<ReturnType<Awaited<ReturnType<typeof openReplicas>>['start']>>
