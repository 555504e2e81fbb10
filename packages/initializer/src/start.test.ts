import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { readSettings } from '@pallas/config/testing'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { program } from './settings.ts'
import { initConfig, served } from './testing/init-config.ts'
import { patched, podWith } from './testing/injecting.ts'
import { asking, openWebhook, plainSpec, POD_RESOURCE, REVIEW_UID, reviewOf } from './testing/webhook.ts'

test('a pod that asks is answered with a patch for the same review', async () => {
  await using it = await openWebhook()
  const { status, body } = await it.post(reviewOf({ metadata: asking, spec: plainSpec }))
  expect(status).toBe(200)
  expect(body).toMatchObject({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: REVIEW_UID, allowed: true, patchType: 'JSONPatch' },
  })
  const patch = JSON.parse(Buffer.from(body.response?.patch ?? '', 'base64').toString()) as { op: string; path: string }[]
  expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual(['add /spec/volumes', 'add /spec/initContainers'])
  expect(await it.metrics.value('reviews_total', { code: 'patched' })).toBe(1)
  expect(it.memory.records).toContainEqual(expect.objectContaining({ msg: 'pod injected', pod: 'media/web-?' }))
})

test('a collision is denied with its message and reason', async () => {
  await using it = await openWebhook()
  const object = { metadata: asking, spec: { ...plainSpec, volumes: [{ name: 'sia-identity', emptyDir: {} }] } }
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
  ['an ephemeral container of `kubectl debug`', { subResource: 'ephemeralcontainers', operation: 'UPDATE' }],
  ['another resource', { resource: { group: 'apps', version: 'v1', resource: 'deployments' } }],
  ['a pod of another group', { resource: { ...POD_RESOURCE, group: 'example.org' } }],
])('%s passes as it is (T25)', async (_what, changes) => {
  await using it = await openWebhook()
  const { body } = await it.post(reviewOf({ metadata: asking, spec: plainSpec }, changes))
  expect(body.response).toEqual({ uid: REVIEW_UID, allowed: true })
})

test('a pod that would be meant and gets nothing is told why', async () => {
  await using it = await openWebhook({ text: initConfig({ annotationTrigger: '' }) })
  const { body } = await it.post(reviewOf({ spec: { ...plainSpec, os: { name: 'windows' } } }))
  expect(body.response).toMatchObject({ allowed: true, warnings: ['windows pods get no athenz identity'] })
})

test.each<[string, unknown]>([
  ['something else than a review', { kind: 'Pod' }],
  ['an older version', { ...reviewOf({ spec: plainSpec }), apiVersion: 'admission.k8s.io/v1beta1' }],
  ['a review without uid', reviewOf({ spec: plainSpec }, { uid: '' })],
  ['nothing', ''],
])('%s is 400', async (_what, body) => {
  await using it = await openWebhook()
  expect(await it.post(body)).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } })
})

test.each<[string, string, unknown]>([
  ['a pod without spec', 'spec', reviewOf({ metadata: {} })],
  ['a pod whose containers are no list', 'containers', reviewOf({ spec: { containers: {} } })],
  ['a pod without the object', 'object', reviewOf(null)],
  ['a container without a name', 'containers', reviewOf({ spec: { containers: [{}] } })],
  ['annotations that are a list', 'annotations', reviewOf({ metadata: { annotations: [] }, spec: plainSpec })],
])('%s is denied, and its maker told what cannot be read', async (_what, path, body) => {
  await using it = await openWebhook()
  const answer = await it.post(body)
  expect(answer).toMatchObject({ status: 200, body: { response: { uid: REVIEW_UID, allowed: false } } })
  expect(answer.body.response?.status?.message).toBe(`the object is not a pod: ${path} (BODY_INVALID)`)
})

test('a review as a real api server sends it is answered, and the pod without the annotation left alone', async () => {
  await using it = await openWebhook()
  const review: unknown = JSON.parse(await readFile(new URL('testing/admission-review.json', import.meta.url), 'utf8'))
  expect((await it.post(review)).body.response).toEqual({ uid: REVIEW_UID, allowed: true })
})

test('readiness is told on the admin listener', async () => {
  await using it = await openWebhook()
  const { statusCode, body } = await request(`${it.adminUrl}/readyz`)
  expect([statusCode, await body.text()]).toEqual([200, '{"status":"ok"}'])
})

test('a handshake that fails is counted by its class (W28)', async () => {
  await using it = await openWebhook()
  const { hostname: host, port } = new URL(it.url)
  const caller = connect({ host, port: Number(port) }).on('error', () => undefined)
  caller.end('POST /mutate HTTP/1.1\r\n\r\n')
  await once(caller.resume(), 'close')
  await expect.poll(() => it.metrics.value('tls_handshake_failures_total', { reason: 'protocol' })).toBe(1)
})

test.each([
  ['tolerated-env', 'HTTPS_PROXY, NO_PROXY'],
  ['tolerated-mounts', '/etc/ssl/certs'],
])('--%s is announced, by default nothing is', async (mode, value) => {
  await using it = await openWebhook({ argv: [`--${mode}=${value}`] })
  expect(await it.metrics.value('weakened', { mode })).toBe(1)
  expect(it.memory.records).toContainEqual(expect.objectContaining({ level: 'warn', problem: mode }))
  await using strict = await openWebhook()
  expect(await strict.metrics.value('weakened', { mode })).toBe(0)
  expect(strict.memory.records).not.toContainEqual(expect.objectContaining({ problem: mode }))
})

test.each(['--tolerated-env=A=1', '--tolerated-env=OTEL_*', '--tolerated-mounts=tls', '--tolerated-mounts=/a/../b', '--tolerated-mounts=/', '--tolerated-mounts=/a/'])(
  '%s is not taken',
  async (flag) => {
    await expect(openWebhook({ argv: [flag] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  },
)

test.each<[readonly string[], string]>([
  [['--key=/tls.key'], '--key and --cert go together'],
  [['--cert=/tls.crt'], '--key and --cert go together'],
  [['--webhook-configuration=../x'], '--webhook-configuration must be the name of a webhook configuration'],
  [['--server-names='], '--server-names must be names or addresses of servers'],
  [['--server-names=web.apps.svc,*.apps.svc'], '--server-names must be names or addresses of servers'],
  [['--certificate-life=10s', '--bundle-settle=5s'], '--bundle-settle must be a quarter of --certificate-life at most'],
])('%j is not taken, and why is said', (argv, problem) => {
  expect(() => readSettings(program, { argv })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', problems: [problem] }))
})

test('asked to stop it answers on, each connection once more, and is not ready (T24, T27)', async () => {
  await using it = await openWebhook({ argv: ['--drain=2s'] })
  const ask = async () => {
    const answer = await request(`${it.url}/mutate`, {
      method: 'POST',
      dispatcher: it.dispatcher,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(reviewOf({ metadata: asking, spec: plainSpec })),
    })
    await answer.body.dump()
    return [answer.statusCode, answer.headers['connection']]
  }
  expect(await ask()).toEqual([200, 'keep-alive'])
  const ending = it.stop()
  expect(await ask()).toEqual([200, 'close'])
  const { statusCode, body } = await request(`${it.adminUrl}/readyz`)
  expect([statusCode, await body.json()]).toEqual([503, expect.objectContaining({ checks: { ending: 'asked to stop' } })])
  await ending
  await expect(ask()).rejects.toThrow()
})

test('a pod with what the operator tolerates is left alone, and refused by default (T25, T26)', async () => {
  const pod = { metadata: asking, spec: served(patched(podWith())).spec }
  for (const it of pod.spec.initContainers!) it['env'] = [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }]
  await using it = await openWebhook({ argv: ['--tolerated-env=HTTPS_PROXY'] })
  expect((await it.post(reviewOf(pod))).body.response).toEqual({ uid: REVIEW_UID, allowed: true })
  await using strict = await openWebhook()
  const { response } = (await strict.post(reviewOf(pod))).body
  expect(response?.status?.message).toContain('"sia-init" differs from the one that is injected at env; ')
})

test('without good templates it does not start', async () => {
  await expect(openWebhook({ text: 'name: x' })).rejects.toMatchObject({ code: 'TEMPLATES_INVALID' })
})

test('replicas keep nothing: each gives the same answer to the same review, in any order and without the others (W35)', async () => {
  const others = { ...plainSpec, volumes: [{ name: 'tlscerts', emptyDir: {} }] }
  const reviews = [plainSpec, others, { ...plainSpec, hostNetwork: true }].map((spec) => reviewOf({ metadata: asking, spec }))
  await using one = await openWebhook()
  const first = await Promise.all(reviews.map((review) => one.post(review)))
  {
    await using two = await openWebhook()
    const second = await Promise.all(reviews.toReversed().map((review) => two.post(review)))
    expect(second.toReversed()).toEqual(first)
  }
  expect(await Promise.all(reviews.map((review) => one.post(review)))).toEqual(first)
})
