import { expect, test } from 'vitest'
import { type AdmissionRequest, allowReview, denyReview } from '../../admission.ts'
import { MUTATING_WEBHOOKS, pathOf, PODS } from '../../resources.ts'
import { loopbackCredentials } from '../loopback-credentials.ts'
import { newPodObject } from '../pod-objects.ts'
import { serveHttps } from '../serve-https.ts'
import { startTestWebhook, type TestWebhook } from '../test-webhook.ts'
import { startEmbeddedApiServer } from './index.ts'

const serverCredentials = await loopbackCredentials()

const RULES = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]

async function open() {
  const server = await startEmbeddedApiServer({ serverCredentials })
  const admin = server.client('admin')
  const configure = (name: string, clientConfig: object, rest: object = {}) => {
    const webhook = {
      name: `${name}.pallas.test`,
      clientConfig,
      rules: RULES,
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    }
    return admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name }, webhooks: [{ ...webhook, ...rest }] })
  }
  const makePod = (metadata: object, spec: object = {}) =>
    admin.create(pathOf(PODS, { namespace: 'default' }), newPodObject(metadata, spec))
  return { admin, server, configure, makePod, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const at = ({ url, caBundle }: TestWebhook) => ({ url, caBundle })

const labelsOf = ({ object = {} }: AdmissionRequest): object =>
  (object['metadata'] as { readonly labels?: object }).labels ?? {}

const label = (request: AdmissionRequest, key: string, value: string) => {
  const labels = { ...labelsOf(request), [key]: value }
  return allowReview(request, { patch: [{ op: 'add', path: '/metadata/labels', value: labels }] })
}

test('webhooks see each other in the order of their names, and IfNeeded sees what came after it', async () => {
  await using it = await open()
  await using first = await startTestWebhook((request) => label(request, 'first', 'yes'))
  await using second = await startTestWebhook((request) => label(request, 'second', 'yes'))
  await it.configure('b-second', at(second))
  await it.configure('a-first', at(first), { reinvocationPolicy: 'IfNeeded' })
  const made = await it.makePod({ name: 'web', labels: { app: 'web' } })
  expect(made.metadata['labels']).toEqual({ app: 'web', first: 'yes', second: 'yes' })
  expect(first.seen.map(({ request }) => Object.keys(labelsOf(request)))).toEqual([['app'], ['app', 'first', 'second']])
  expect(second.seen.map(({ request }) => Object.keys(labelsOf(request)))).toEqual([['app', 'first']])
})

test.each<[string, object, object, boolean]>([
  ['an annotation that is there', { a: '' }, { expression: "has(object.metadata.annotations) && 'a' in object.metadata.annotations" }, true],
  ['an annotation that is not there', { b: '' }, { expression: "has(object.metadata.annotations) && 'a' in object.metadata.annotations" }, false],
  ['an annotation with its value', { a: 'x' }, { expression: "object.metadata.annotations['a'] == 'x'" }, true],
  ['an annotation with another value', { a: 'y' }, { expression: "object.metadata.annotations['a'] == 'x'" }, false],
  ['an annotation without a value', { a: 'x' }, { expression: "object.metadata.annotations['a'] != 'x'" }, false],
])('a webhook is called under its conditions: %s', async (_what, annotations, condition, called) => {
  await using it = await open()
  await using hook = await startTestWebhook((request) => allowReview(request))
  await it.configure('only', at(hook), { matchConditions: [{ name: 'asks', ...condition }] })
  await it.makePod({ name: 'web', annotations })
  expect(hook.seen).toHaveLength(called ? 1 : 0)
})

test.each([
  ["'a' in object.metadata.annotations", {}],
  ["object.metadata.annotations['a'] == 'x'", { annotations: { b: '' } }],
])('a condition that cannot be evaluated lets nothing through: %s', async (expression, metadata) => {
  await using it = await open()
  await using hook = await startTestWebhook((request) => allowReview(request))
  await it.configure('only', at(hook), { matchConditions: [{ name: 'asks', expression }] })
  await expect(it.makePod({ name: 'web', ...metadata })).rejects.toMatchObject({ status: 500 })
  expect(hook.seen).toEqual([])
})

test('an IfNeeded webhook after which nothing changed is called once', async () => {
  await using it = await open()
  await using only = await startTestWebhook((request) => label(request, 'only', 'yes'))
  await it.configure('only', at(only), { reinvocationPolicy: 'IfNeeded' })
  await it.makePod({ name: 'web' })
  expect(only.seen).toHaveLength(1)
})

test('a container that a webhook adds gets its defaults and the token of the account', async () => {
  await using it = await open()
  const sidecar = { name: 'sia', image: 'images.test/sia:1', restartPolicy: 'Always' }
  await using webhook = await startTestWebhook((request) =>
    allowReview(request, { patch: [{ op: 'add', path: '/spec/initContainers', value: [sidecar] }] }),
  )
  await it.configure('inject', at(webhook))
  const { spec } = await it.makePod({ name: 'web' })
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  expect(spec).toMatchObject({
    initContainers: [{ ...sidecar, imagePullPolicy: 'IfNotPresent', volumeMounts: [{ mountPath }] }],
  })
  expect((spec as { volumes: object[] }).volumes).toHaveLength(1)
})

test('a webhook given by its service is dialled at the endpoint, by the name of the service', async () => {
  await using it = await open()
  const own = await loopbackCredentials(['initializer.kube-system.svc'])
  const seen: unknown[] = []
  await using listener = await serveHttps(own, (request, response) => {
    seen.push(request.url, request.headers.host)
    response.end('{}')
  })
  it.server.endpoints.set('kube-system/initializer', `127.0.0.1:${listener.port}`)
  const caBundle = Buffer.from(own.caPem).toString('base64')
  const service = { namespace: 'kube-system', name: 'initializer', path: '/mutate' }
  await it.configure('by-service', { service, caBundle }, { failurePolicy: 'Ignore', timeoutSeconds: 3 })
  await it.makePod({ name: 'web' })
  expect(seen[0]).toBe('/mutate?timeout=3s')
})

const CALL = 'Internal error occurred: failed calling webhook "broken.pallas.test": '

test.each([
  ['without a port', {}, 443],
  ['with one', { port: 4443 }, 4443],
])('a webhook whose service (%s) has no endpoints fails, and is named as it would be dialled', async (_name, more, port) => {
  await using it = await open()
  await it.configure('broken', { service: { namespace: 'kube-system', name: 'gone', path: '/mutate', ...more } }, { timeoutSeconds: 3 })
  const detail = `${CALL}failed to call webhook: Post "https://gone.kube-system.svc:${port}/mutate?timeout=3s": no endpoints available for service "gone"`
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({ status: 500, fields: { detail } })
})

test.each([
  ['no review', '{}', `${CALL}expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview`],
  ['no json', 'ok', `${CALL}could not get object from the response: not a json object`],
  ['the answer to another review', JSON.stringify(allowReview({ uid: 'another' })), `${CALL}expected response.uid=`],
])('a webhook that answers %s fails', async (_name, body, detail) => {
  await using it = await open()
  await using listener = await serveHttps(serverCredentials, (_request, response) => response.end(body))
  const caBundle = Buffer.from(serverCredentials.caPem).toString('base64')
  await it.configure('broken', { url: `${listener.url}/`, caBundle })
  const made = it.makePod({ name: 'web' })
  await expect(made).rejects.toMatchObject({ status: 500, fields: { detail: expect.stringContaining(detail) } })
})

test.each([
  ['a patch without its type', { patch: 'W10=' }, 'webhook returned response.patch but not response.patchType'],
  ['a type without patch', { patchType: 'JSONPatch' }, 'webhook returned response.patchType but not response.patch'],
  ['a patch of another type', { patch: 'W10=', patchType: 'MergePatch' }, 'invalid webhook response'],
])('a webhook that answers %s fails', async (_name, rest, detail) => {
  await using it = await open()
  await using webhook = await startTestWebhook((request) => allowReview(request))
  webhook.answer = ({ uid }) => ({ ...allowReview({ uid }), response: { uid, allowed: true, ...rest } })
  await it.configure('broken', at(webhook))
  const made = it.makePod({ name: 'web' })
  await expect(made).rejects.toMatchObject({ status: 500, fields: { detail: expect.stringContaining(detail) } })
})

test('a patch that does not apply fails whatever the policy', async () => {
  await using it = await open()
  const patch = [{ op: 'add', path: '/spec/none/-', value: 1 }] as const
  await using webhook = await startTestWebhook((request) => allowReview(request, { patch }))
  await it.configure('broken', at(webhook), { failurePolicy: 'Ignore' })
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({ status: 500, fields: { reason: 'InternalError' } })
})

test('a webhook that is slower than its time fails', async () => {
  await using it = await open()
  await using listener = await serveHttps(serverCredentials, () => undefined)
  const caBundle = Buffer.from(serverCredentials.caPem).toString('base64')
  await it.configure('broken', { url: `${listener.url}/mutate`, caBundle }, { timeoutSeconds: 1 })
  const detail = `${CALL}failed to call webhook: Post "${listener.url}/mutate?timeout=1s": context deadline exceeded`
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({ fields: { detail } })
})

test('a webhook with a certificate that its caBundle does not vouch for fails, and is sent nothing', async () => {
  await using it = await open()
  await using webhook = await startTestWebhook((request) => allowReview(request))
  const caBundle = Buffer.from(serverCredentials.caPem).toString('base64')
  await it.configure('broken', { url: webhook.url, caBundle })
  const detail = expect.stringContaining('tls: failed to verify certificate')
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({ fields: { detail } })
  expect(webhook.seen).toEqual([])
})

test('a denial has the status that the webhook chose, or 400', async () => {
  await using it = await open()
  await using webhook = await startTestWebhook((request) =>
    denyReview(request, { message: 'no', code: 409, reason: 'Conflict' }),
  )
  await it.configure('strict', at(webhook))
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({
    code: 'KUBE_CONFLICT',
    fields: { reason: 'Conflict' },
  })
  webhook.answer = ({ uid }) => ({ ...allowReview({ uid }), response: { uid, allowed: false } })
  const detail = 'admission webhook "strict.pallas.test" denied the request without explanation'
  await expect(it.makePod({ name: 'web' })).rejects.toMatchObject({ status: 400, fields: { detail } })
})

test('conditions that this server cannot evaluate are refused, not ignored', async () => {
  await using it = await open()
  const matchConditions = [{ name: 'always', expression: 'true' }]
  const made = it.configure('conditional', { url: 'https://127.0.0.1:1/' }, { matchConditions })
  await expect(made).rejects.toMatchObject({ code: 'KUBE_INVALID' })
})
