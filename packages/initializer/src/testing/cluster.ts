/** An API server that calls the initializer for every new pod of `media`, and an initializer that reads its ConfigMap there. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSettings } from '@pallas/config/testing'
import { CONFIG_MAPS, type KubeApi, MUTATING_WEBHOOKS, pathOf, PODS } from '@pallas/kubernetes'
import { loopbackCredentials, newPodObject, startEmbeddedApiServer, type TestWebhook } from '@pallas/kubernetes/testing'
import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { tlsDirectory } from '@pallas/service/testing'
import { program, startInitializer } from '../index.ts'
import { initConfig, TRIGGER } from './init-config.ts'
import type { MadeSpec } from './made.ts'

const HOME = { namespace: 'k8s-admin', name: 'athenz-initializer' }
const INITIALIZER = 'athenz.initializer.kubernetes.io'

export interface ClusterOptions {
  readonly asUser?: string
  readonly config?: string
  /** Of the initializer, besides those for files and addresses. */
  readonly settings?: Readonly<Record<string, string>>
  /** Of the webhook's configuration. */
  readonly conditions?: object
  /** Another injector, called after ours. */
  readonly after?: Pick<TestWebhook, 'url' | 'caBundle'>
}

export async function openCluster({ asUser = 'initializer', config = initConfig(), settings = {}, conditions = {}, after }: ClusterOptions = {}) {
  await using scope = new AsyncDisposableStack()
  const serverCredentials = await loopbackCredentials()
  const rule = { users: ['initializer'], verbs: ['get'], apiGroups: [''], resources: ['configmaps'], namespaces: [HOME.namespace] }
  const world = {
    users: { initializer: {}, nobody: {} },
    rules: [rule],
    namespaces: ['media', HOME.namespace],
    nodes: [{ name: 'node-1' }],
    serviceAccounts: [{ namespace: 'media', name: 'web' }],
  }
  const api = scope.use(await startEmbeddedApiServer({ serverCredentials, world }))
  const admin = api.client('admin')
  await admin.create(pathOf(CONFIG_MAPS, { namespace: HOME.namespace }), { metadata: HOME, data: { 'init-config': config } })

  const files = scope.use(await tlsDirectory(serverCredentials.ca, { commonName: 'initializer', ip: ['127.0.0.1'] }))
  const tokenFile = join(files.dir, 'token')
  await writeFile(tokenFile, api.tokenFor(asUser))
  const given = {
    key: files.keyFile,
    cert: files.certFile,
    listen: '127.0.0.1:0',
    adminListen: '127.0.0.1:0',
    drain: '0s',
    configNamespace: HOME.namespace,
    apiServer: api.url,
    apiCa: files.caFile,
    apiTokenFile: tokenFile,
    ...settings,
  }
  const memory = memoryLog()
  const deps = { clock: systemClock, log: memory.log, metrics: testMetrics() }
  const initializer = await startInitializer(readSettings(program, { file: given }), deps)
  scope.use(initializer)
  const caBundle = Buffer.from(serverCredentials.caPem).toString('base64')
  await register(admin, INITIALIZER, { url: `${initializer.url}/mutate`, caBundle }, conditions)
  if (after !== undefined) await register(admin, 'z-other.example.org', after)
  const parts = scope.move()

  /** Makes a pod as anybody would, and reads it as the server keeps it. */
  const create = async (spec: object, metadata: object = { annotations: { [TRIGGER]: 'true' } }, namespace = 'media') => {
    const account = namespace === 'media' ? { serviceAccountName: 'web' } : {}
    const pod = newPodObject({ generateName: 'web-', ...metadata }, { ...account, ...spec })
    const made = await admin.create(pathOf(PODS, { namespace }), pod)
    return { metadata: made.metadata, spec: made['spec'] as MadeSpec }
  }
  return { api, admin, memory, create, stop: () => initializer[Symbol.asyncDispose](), [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

function register(admin: KubeApi, name: string, clientConfig: Pick<TestWebhook, 'url' | 'caBundle'>, conditions: object = {}) {
  const webhook = {
    name,
    clientConfig: { url: clientConfig.url, caBundle: clientConfig.caBundle },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    timeoutSeconds: 5,
    admissionReviewVersions: ['v1'],
    reinvocationPolicy: 'IfNeeded',
    ...conditions,
  }
  return admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name }, webhooks: [webhook] })
}
