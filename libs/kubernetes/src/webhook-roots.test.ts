import { expect, test } from 'vitest'
import type { KubeApi, KubePatch } from './api.ts'
import { KubernetesError } from './error.ts'
import { MUTATING_WEBHOOKS, pathOf } from './resources.ts'
import { loopbackCredentials } from './testing/loopback-credentials.ts'
import { startEmbeddedApiServer } from './testing/embedded-api-server/index.ts'
import { readWebhookRoots, replaceWebhookRoots } from './webhook-roots.ts'

const NAME = 'hooks'
const RULES = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]
const webhook = (name: string, caBundle?: string) => ({
  name: `${name}.example.org`,
  clientConfig: { service: { namespace: 'apps', name }, ...(caBundle === undefined ? {} : { caBundle }) },
  rules: RULES,
  failurePolicy: 'Fail',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  namespaceSelector: { matchLabels: { a: 'b' } },
})

async function openServer() {
  const server = await startEmbeddedApiServer({ serverCredentials: await loopbackCredentials(), world: { users: { rotator: {} } } })
  server.rules.push({ users: ['rotator'], verbs: ['get', 'patch'], apiGroups: ['*'], resources: ['mutatingwebhookconfigurations'], resourceNames: [NAME] })
  const admin = server.client('admin')
  const one = webhook('one', Buffer.from('old\n').toString('base64'))
  await admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name: NAME, labels: { team: 'x' }, annotations: { note: 'y' } }, webhooks: [one, webhook('two')] })
  return { server, admin, api: server.client('rotator'), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

test('bundles are read as they stand there, and of a configuration that is not there nothing is known', async () => {
  await using it = await openServer()
  expect(await readWebhookRoots(it.api, NAME)).toMatchObject({ bundles: ['old\n', ''] })
  expect(await readWebhookRoots(it.admin, 'others')).toBeUndefined()
})

const bundle = (text: string) => ({ caBundle: Buffer.from(text, 'latin1').toString('base64') })

test('a write changes the bundle and nothing else of the configuration (T27)', async () => {
  await using it = await openServer()
  const path = pathOf(MUTATING_WEBHOOKS, { name: NAME })
  const before = structuredClone(await it.admin.get(path)) as unknown as { metadata: object; webhooks: { clientConfig: object }[] }
  const seen = (await readWebhookRoots(it.api, NAME))!
  expect(await replaceWebhookRoots(it.api, NAME, { seen, bundles: ['old\nnew\n', 'new\u00ff\n'] })).toBe(true)
  const after = await it.admin.get(path)
  const [one, two] = before.webhooks
  expect(after).toEqual({
    ...before,
    metadata: { ...before.metadata, resourceVersion: expect.any(String) },
    webhooks: [
      { ...one, clientConfig: { ...one!.clientConfig, ...bundle('old\nnew\n') } },
      { ...two, clientConfig: { ...two!.clientConfig, ...bundle('new\u00ff\n') } },
    ],
  })
})

/** What is sent, and an answer of the test's. */
function recording(answer: () => unknown): { readonly api: Pick<KubeApi, 'get' | 'patch'>; readonly sent: KubePatch[] } {
  const sent: KubePatch[] = []
  const object = { metadata: { resourceVersion: '7' }, webhooks: [webhook('one'), webhook('two')] }
  const patch = async (_path: string, given: KubePatch) => (sent.push(given), answer() as typeof object)
  return { api: { get: async () => object, patch }, sent }
}

test('what is sent says which version it is for, and one path for each bundle that is another (T27)', async () => {
  const { api, sent } = recording(() => ({ metadata: {} }))
  const seen = (await readWebhookRoots(api, NAME))!
  expect(await replaceWebhookRoots(api, NAME, { seen, bundles: ['', 'new'] })).toBe(true)
  const version = { op: 'test', path: '/metadata/resourceVersion', value: '7' }
  expect(sent).toEqual([{ kind: 'json', patch: [version, { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: 'bmV3' }] }])
  expect(await replaceWebhookRoots(api, NAME, { seen, bundles: ['', ''] })).toBe(true)
  expect(sent).toHaveLength(1)
})

test('nothing is written over what somebody else wrote meanwhile (T27)', async () => {
  await using it = await openServer()
  const seen = (await readWebhookRoots(it.api, NAME))!
  expect(await replaceWebhookRoots(it.api, NAME, { seen, bundles: ['a', ''] })).toBe(true)
  expect(await replaceWebhookRoots(it.api, NAME, { seen, bundles: ['b', ''] })).toBe(false)
  expect((await readWebhookRoots(it.api, NAME))?.bundles).toEqual(['a', ''])
})

test('a patch that is refused for what it says is no conflict', async () => {
  const refusal = new KubernetesError('KUBE_INVALID', 'the server refused', { status: 422 })
  const { api } = recording(() => Promise.reject(refusal))
  const seen = (await readWebhookRoots(api, NAME))!
  await expect(replaceWebhookRoots(api, NAME, { seen, bundles: ['x', ''] })).rejects.toBe(refusal)
})

test.each<[string, object]>([
  ['without a version', { metadata: {}, webhooks: [] }],
  ['whose webhooks are no list', { metadata: { resourceVersion: '1' }, webhooks: {} }],
  ['with a webhook that is none', { metadata: { resourceVersion: '1' }, webhooks: [7] }],
  ['with a place that is none', { metadata: { resourceVersion: '1' }, webhooks: [{ clientConfig: 7 }] }],
  ['with a bundle that is no text', { metadata: { resourceVersion: '1' }, webhooks: [{ clientConfig: { caBundle: 7 } }] }],
])('a configuration %s is a bad answer', async (_what, object) => {
  const api = { get: async () => object } as unknown as Pick<KubeApi, 'get'>
  await expect(readWebhookRoots(api, NAME)).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})
