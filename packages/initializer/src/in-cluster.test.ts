import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readProgram } from '@pallas/config'
import { CONFIG_MAPS, isKubernetesError, type KubeApi, MUTATING_WEBHOOKS, pathOf, PODS } from '@pallas/kubernetes'
import { loopbackCredentials, newPodObject, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { tlsDirectory } from '@pallas/service/testing'
import { expect, test } from 'vitest'
import { program, startInitializer } from './index.ts'
import { initConfig, TRIGGER } from './testing/init-config.ts'

const HOME = { namespace: 'k8s-admin', name: 'athenz-initializer' }

/** An API server that calls the initializer for every new pod of `media`, and an initializer that reads its ConfigMap there. */
async function open({ asUser = 'initializer', config = initConfig() } = {}) {
  await using scope = new AsyncDisposableStack()
  const serverCredentials = await loopbackCredentials()
  const rule = { users: ['initializer'], verbs: ['get'], apiGroups: [''], resources: ['configmaps'], namespaces: [HOME.namespace] }
  const world = { users: { initializer: {}, nobody: {} }, rules: [rule], namespaces: ['media', HOME.namespace], nodes: [{ name: 'node-1' }], serviceAccounts: [{ namespace: 'media', name: 'web' }] }
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
    configNamespace: HOME.namespace,
    apiServer: api.url,
    apiCa: files.caFile,
    apiTokenFile: tokenFile,
  }
  const reading = readProgram(program, { argv: [], env: {}, file: given, version: '1' })
  if (reading.kind === 'print') throw new Error('printed')
  const deps = { clock: systemClock, log: memoryLog().log, metrics: testMetrics() }
  const { url } = scope.use(await startInitializer(reading.settings, deps))
  await registerWebhook(admin, `${url}/mutate`, serverCredentials.caPem)
  const parts = scope.move()
  const create = async (spec: object, annotations: object = { [TRIGGER]: 'true' }) => {
    const pod = newPodObject({ generateName: 'web-', annotations }, { serviceAccountName: 'web', ...spec })
    const { spec: made } = await admin.create(pathOf(PODS, { namespace: 'media' }), pod)
    return made as Record<'volumes' | 'initContainers' | 'containers', { name: string }[] | undefined>
  }
  return { create, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

function registerWebhook(admin: KubeApi, url: string, caPem: string) {
  const webhook = {
    name: 'athenz.initializer.kubernetes.io',
    clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    timeoutSeconds: 5,
    admissionReviewVersions: ['v1'],
    reinvocationPolicy: 'IfNeeded',
  }
  return admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name: 'athenz-initializer' }, webhooks: [webhook] })
}

const namesIn = (list: readonly { name: string }[] | undefined): string[] => (list ?? []).map(({ name }) => name)

test('a pod made at the api server comes out injected, and making what came out again changes nothing', async () => {
  await using it = await open()
  const made = await it.create({})
  expect(namesIn(made.volumes)).toEqual(expect.arrayContaining(['sia-identity', 'ntoken', 'tlscerts']))
  expect(namesIn(made.initContainers)).toEqual(['sia-init', 'sia-refresh'])
  const again = await it.create({ ...made, nodeName: undefined })
  expect(namesIn(again.volumes)).toEqual(namesIn(made.volumes))
  expect(namesIn(again.initContainers)).toEqual(namesIn(made.initContainers))
})

test('a pod that does not ask comes out as it went in', async () => {
  await using it = await open()
  expect((await it.create({}, {})).initContainers).toBeUndefined()
})

test('whoever makes a pod that collides is told what with', async () => {
  await using it = await open()
  const error: unknown = await it.create({ volumes: [{ name: 'sia-identity', emptyDir: {} }] }).catch((thrown: unknown) => thrown)
  expect(isKubernetesError(error)).toBe(true)
  expect(error).toMatchObject({ status: 403 })
})

test('without the right to read the config map it does not start, and that is no verdict on templates', async () => {
  await expect(open({ asUser: 'nobody' })).rejects.toMatchObject({ code: 'API_UNAVAILABLE', kind: 'unavailable' })
})
