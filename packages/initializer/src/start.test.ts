import { readFile } from 'node:fs/promises'
import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { clientDispatcher } from '@pallas/service'
import { tlsDirectory } from '@pallas/service/testing'
import { TestCa } from '@pallas/x509/testing'
import { readProgram } from '@pallas/config'
import { request } from 'undici'
import { beforeAll, expect, test } from 'vitest'
import { program, startInitializer } from './index.ts'
import { initConfig, TRIGGER } from './testing/init-config.ts'

let ca: TestCa
beforeAll(async () => {
  ca = await TestCa.create()
})

async function open(text: string | undefined = initConfig()) {
  await using scope = new AsyncDisposableStack()
  const files = scope.use(await tlsDirectory(ca, { commonName: 'initializer', ip: ['127.0.0.1'] }))
  const argv = [`--key=${files.keyFile}`, `--cert=${files.certFile}`, '--listen=127.0.0.1:0', '--admin-listen=127.0.0.1:0']
  const reading = readProgram(program, { argv, env: {}, version: '1' })
  if (reading.kind === 'print') throw new Error('printed')
  const memory = memoryLog()
  const metrics = testMetrics()
  const deps = { clock: systemClock, log: memory.log, metrics, readConfigMap: async () => text }
  const { url, adminUrl } = scope.use(await startInitializer(reading.settings, deps))
  const dispatcher = scope.use(clientDispatcher({ ca: ca.certPem }))
  const parts = scope.move()
  const post = async (body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await request(`${url}/mutate?timeout=10s`, { method: 'POST', dispatcher, headers, body: JSON.stringify(body) })
    return { status: answer.statusCode, body: (await answer.body.json()) as { response?: Response; code?: string } }
  }
  return { post, adminUrl, memory, metrics, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

interface Response {
  uid: string
  allowed: boolean
  patch?: string
  patchType?: string
  status?: { message: string }
  warnings?: string[]
}

const RESOURCE = { group: '', version: 'v1', resource: 'pods' }
const asking = { annotations: { [TRIGGER]: 'true' }, generateName: 'web-' }
const spec = { containers: [{ name: 'app', image: 'app' }] }

/** As an API server writes it for a pod made from a template: no name, no namespace in the object, no uid. */
const reviewOf = (object: unknown, changes: Record<string, unknown> = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '334b4d84-493e-4456-8f12-2bf12b010948',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: RESOURCE,
    namespace: 'media',
    operation: 'CREATE',
    userInfo: { username: 'someone' },
    object,
    oldObject: null,
    ...changes,
  },
})

test('a pod that asks is answered with a patch for the same review', async () => {
  await using it = await open()
  const { status, body } = await it.post(reviewOf({ metadata: asking, spec }))
  expect(status).toBe(200)
  expect(body).toMatchObject({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: '334b4d84-493e-4456-8f12-2bf12b010948', allowed: true, patchType: 'JSONPatch' },
  })
  const patch = JSON.parse(Buffer.from(body.response?.patch ?? '', 'base64').toString()) as { op: string; path: string }[]
  expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual(['add /spec/volumes', 'add /spec/initContainers'])
  expect(await it.metrics.value('reviews_total', { code: 'patched' })).toBe(1)
  expect(it.memory.records).toContainEqual(expect.objectContaining({ msg: 'pod injected', pod: 'media/web-?' }))
})

test('a collision is denied with its message and reason', async () => {
  await using it = await open()
  const object = { metadata: asking, spec: { ...spec, volumes: [{ name: 'sia-identity', emptyDir: {} }] } }
  const { status, body } = await it.post(reviewOf(object))
  expect(status).toBe(200)
  expect(body.response).toMatchObject({ allowed: false, status: { code: 403, reason: 'INJECTION_COLLISION' } })
  expect(body.response?.status?.message).toContain('volume "sia-identity" differs')
  expect(body.response).not.toHaveProperty('patch')
  expect(await it.metrics.value('reviews_total', { code: 'INJECTION_COLLISION' })).toBe(1)
})

test.each<[string, Record<string, unknown>]>([
  ['an update', { operation: 'UPDATE' }],
  ['a deletion', { operation: 'DELETE', object: null }],
  ['an ephemeral container', { subResource: 'ephemeralcontainers', operation: 'UPDATE' }],
  ['another resource', { resource: { group: 'apps', version: 'v1', resource: 'deployments' } }],
  ['a pod of another group', { resource: { ...RESOURCE, group: 'example.org' } }],
])('%s passes as it is', async (_what, changes) => {
  await using it = await open()
  const { body } = await it.post(reviewOf({ metadata: asking, spec }, changes))
  expect(body.response).toEqual({ uid: '334b4d84-493e-4456-8f12-2bf12b010948', allowed: true })
})

test('a pod that would be meant and gets nothing is told why', async () => {
  await using it = await open(initConfig({ annotationTrigger: '' }))
  const { body } = await it.post(reviewOf({ spec: { ...spec, os: { name: 'windows' } } }))
  expect(body.response).toMatchObject({ allowed: true, warnings: ['windows pods get no athenz identity'] })
})

test.each<[string, unknown]>([
  ['something else than a review', { kind: 'Pod' }],
  ['an older version', { ...reviewOf({ spec }), apiVersion: 'admission.k8s.io/v1beta1' }],
  ['a review without uid', reviewOf({ spec }, { uid: '' })],
  ['a pod without spec', reviewOf({ metadata: {} })],
  ['a pod whose containers are no list', reviewOf({ spec: { containers: {} } })],
  ['a pod without the object', reviewOf(null)],
  ['a container without a name', reviewOf({ spec: { containers: [{}] } })],
  ['annotations that are a list', reviewOf({ metadata: { annotations: [] }, spec })],
])('%s is 400', async (_what, body) => {
  await using it = await open()
  expect(await it.post(body)).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } })
})

test('a review as a real api server sends it is answered, and the pod without the annotation left alone', async () => {
  await using it = await open()
  const review: unknown = JSON.parse(await readFile(new URL('testing/admission-review.json', import.meta.url), 'utf8'))
  expect((await it.post(review)).body.response).toEqual({ uid: '334b4d84-493e-4456-8f12-2bf12b010948', allowed: true })
})

test('readiness is told on the admin listener', async () => {
  await using it = await open()
  const { statusCode, body } = await request(`${it.adminUrl}/readyz`)
  expect([statusCode, await body.text()]).toEqual([200, '{"status":"ok"}'])
})

test('without good templates it does not start', async () => {
  await expect(open('name: x')).rejects.toMatchObject({ code: 'TEMPLATES_INVALID' })
})
