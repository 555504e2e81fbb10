/** What `deploy/base/webhook.yaml` asks about is what the program has something to say on: to nobody else does it matter. */
import { type AdmissionRequest, allowReview, MUTATING_WEBHOOKS, pathOf, PODS } from '@pallas/kubernetes'
import { loopbackCredentials, newPodObject, startEmbeddedApiServer, startTestWebhook } from '@pallas/kubernetes/testing'
import { describe, expect, test } from 'vitest'
import { TRIGGER } from './testing/init-config.ts'
import { podWith, run } from './testing/injecting.ts'
import { ANNOTATIONS } from './testing/annotations.ts'
import { webhookManifest } from './testing/replicas.ts'

interface Manifest {
  readonly metadata: object
  readonly webhooks: readonly (Record<string, unknown> & { readonly matchConditions: readonly { readonly expression: string }[] })[]
}
const manifest = webhookManifest() as Manifest
const [webhook] = manifest.webhooks

/** An API server that asks a webhook of the test's under what the manifest says of ours. */
async function openServer() {
  await using scope = new AsyncDisposableStack()
  const asked: AdmissionRequest[] = []
  const server = scope.use(await startEmbeddedApiServer({ serverCredentials: await loopbackCredentials(), world: { namespaces: ['media', 'k8s-admin'] } }))
  const hook = scope.use(await startTestWebhook((request) => (asked.push(request), allowReview(request))))
  const admin = server.client('admin')
  const clientConfig = { url: hook.url, caBundle: hook.caBundle }
  await admin.create(pathOf(MUTATING_WEBHOOKS), { ...manifest, webhooks: [{ ...webhook, clientConfig }] })
  const parts = scope.move()
  const isAsked = async (metadata: object, namespace = 'media'): Promise<boolean> => {
    const before = asked.length
    const made = admin.create(`${pathOf(PODS, { namespace })}?dryRun=All`, newPodObject({ generateName: 'web-', ...metadata }))
    await expect(made).resolves.toBeDefined()
    return asked.length > before
  }
  return { isAsked, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** Whether the program does anything at all: a patch, a refusal, or a warning. */
function hasSomethingToSay(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const result = run(podWith({}, annotations === undefined ? {} : { annotations }))
  return result.kind !== 'untouched' || result.skipped !== undefined
}

test('the api server asks exactly where the program has something to say (T24)', async () => {
  await using it = await openServer()
  const outcomes = new Set<boolean>()
  for (const [what, annotations] of ANNOTATIONS) {
    const wanted = hasSomethingToSay(annotations)
    expect([what, await it.isAsked(annotations === undefined ? {} : { annotations })]).toEqual([what, wanted])
    outcomes.add(wanted)
  }
  expect(outcomes.size).toBe(2)
})

test.each(['k8s-admin', 'kube-system'])('in %s nobody is asked about (T24)', async (namespace) => {
  await using it = await openServer()
  expect(await it.isAsked({ annotations: { [TRIGGER]: 'true' } }, namespace)).toBe(false)
})

describe('the webhook configuration', () => {
  test('waits no longer than five seconds, fails closed for those who ask, and looks again after others (T24, T25)', () => {
    expect(webhook).toMatchObject({ failurePolicy: 'Fail', reinvocationPolicy: 'IfNeeded', sideEffects: 'None' })
    expect(webhook?.['timeoutSeconds']).toBeLessThanOrEqual(5)
  })

  test('holds no bundle, so that applying it again takes none away (T27)', () => {
    expect(JSON.stringify(manifest)).not.toContain('caBundle')
  })
})

test('an api server of ours that cannot evaluate a condition takes none (T24)', async () => {
  await using server = await startEmbeddedApiServer({ serverCredentials: await loopbackCredentials() })
  const matchConditions = [{ name: 'x', expression: `object.metadata.name.startsWith('a')` }]
  const made = server.client('admin').create(pathOf(MUTATING_WEBHOOKS), { ...manifest, webhooks: [{ ...webhook, matchConditions }] })
  await expect(made).rejects.toMatchObject({ code: 'KUBE_INVALID', status: 400 })
})
