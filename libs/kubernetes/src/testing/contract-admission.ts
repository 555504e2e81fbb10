/** The part of the API server contract about admission webhooks and tokens. */
import { expect, test } from 'vitest'
import { allowReview, denyReview } from '../admission.ts'
import { isKubernetesError } from '../error.ts'
import { listNodes } from '../nodes.ts'
import { getPod, podOf } from '../pods.ts'
import { MUTATING_WEBHOOKS, pathOf, PODS, SERVICE_ACCOUNTS } from '../resources.ts'
import { reviewToken } from '../token-reviews.ts'
import { NOWHERE } from './contract-objects.ts'
import type { KubeApiUnderTest, OpenKubeApi } from './under-test.ts'
import { eventually } from './eventually.ts'
import { newPodObject } from './pod-objects.ts'
import { startTestWebhook, type TestWebhook } from './test-webhook.ts'

const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }

async function configure(
  it: KubeApiUnderTest,
  { url, caBundle }: Pick<TestWebhook, 'url' | 'caBundle'>,
  rest: object = {},
) {
  const name = `contract-${it.namespace}`
  const webhook = {
    name: `${name}.pallas.test`,
    clientConfig: { url, caBundle },
    rules: [RULE],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 5,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': it.namespace } },
    objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] },
    ...rest,
  }
  await it.admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name }, webhooks: [webhook] })
  return {
    [Symbol.asyncDispose]: () => it.admin.delete(pathOf(MUTATING_WEBHOOKS, { name })),
  }
}

const makePod = (it: KubeApiUnderTest, metadata: object) =>
  it.admin.create(pathOf(PODS, { namespace: it.namespace }), newPodObject(metadata, NOWHERE))

/** A real server takes a second to know of a new webhook: pods are made until one went through it. */
const madeThroughWebhook = (it: KubeApiUnderTest, webhook: TestWebhook) =>
  eventually(async () => {
    const made = await makePod(it, { generateName: 'probe-' })
    return webhook.seen.length > 0 ? made : undefined
  })

export function admissionPromises(open: OpenKubeApi): void {
  test('a webhook is shown a new pod as it will be, without uid, and its patch is applied', async () => {
    await using it = await open()
    const annotate = [{ op: 'add', path: '/metadata/annotations', value: { 'pallas.test/seen': 'yes' } }] as const
    await using webhook = await startTestWebhook((request) => allowReview(request, { patch: annotate }))
    await using _configuration = await configure(it, webhook)
    const made = await madeThroughWebhook(it, webhook)
    const pod = await getPod(it.admin, { namespace: it.namespace, name: String(made.metadata['name']) })
    expect(pod?.annotations).toMatchObject({ 'pallas.test/seen': 'yes' })

    const review = webhook.seen.at(-1)
    expect(review).toMatchObject({ path: '/mutate?timeout=5s', userAgent: 'kube-apiserver-admission' })
    const { request } = review ?? {}
    expect(request).toMatchObject({
      operation: 'CREATE',
      namespace: it.namespace,
      name: '',
      dryRun: false,
      subResource: '',
    })
    expect(request?.resource).toEqual({ group: '', version: 'v1', name: 'pods' })
    expect(request?.object?.['metadata']).not.toHaveProperty('uid')
    expect(request?.object?.['spec']).toMatchObject({ serviceAccountName: 'default', restartPolicy: 'Always' })
    const mounts = { containers: [{ volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }] }
    expect(request?.object?.['spec']).toMatchObject(mounts)
  })

  test('a webhook that says no is heard, except by objects that its selector leaves out', async () => {
    await using it = await open()
    await using webhook = await startTestWebhook((request) =>
      denyReview(request, { message: 'not this one', code: 403 }),
    )
    await using _configuration = await configure(it, webhook)
    const refused = await eventually(async () => {
      const outcome = await makePod(it, { generateName: 'no-' }).catch((error: unknown) => error)
      return isKubernetesError(outcome) ? outcome : undefined
    })
    const detail = `admission webhook "contract-${it.namespace}.pallas.test" denied the request: not this one`
    expect(refused).toMatchObject({ code: 'KUBE_FORBIDDEN', fields: { detail } })
    expect(await makePod(it, { name: 'left-out', labels: { skip: 'yes' } })).toBeDefined()
  })

  test.each([
    { policy: 'Fail', made: false },
    { policy: 'Ignore', made: true },
  ])('a webhook that cannot be reached decides by its failure policy: $policy', async ({ policy, made }) => {
    await using it = await open()
    const webhook = await startTestWebhook((request) => allowReview(request))
    await using _configuration = await configure(it, webhook, { failurePolicy: policy })
    await madeThroughWebhook(it, webhook)
    await webhook[Symbol.asyncDispose]()
    const outcome = await makePod(it, { name: 'after' }).catch((error: unknown) => error)
    const detail = expect.stringMatching(
      /^Internal error occurred: failed calling webhook ".+": failed to call webhook: Post "/,
    )
    if (made) expect(outcome).toMatchObject({ metadata: { name: 'after' } })
    else expect(outcome).toMatchObject({ code: 'KUBE_BUSY', status: 500, fields: { detail } })
  })

  test('a patch that makes an invalid pod is refused as if its maker had written it', async () => {
    await using it = await open()
    await using webhook = await startTestWebhook((request) => allowReview(request))
    await using _configuration = await configure(it, webhook)
    await madeThroughWebhook(it, webhook)
    const again = {
      op: 'add',
      path: '/spec/containers/-',
      value: { name: 'main', image: 'images.test/app:1' },
    } as const
    webhook.answer = (request) => allowReview(request, { patch: [again] })
    const detail = expect.stringContaining('spec.containers[1].name: Duplicate value: "main"')
    await expect(makePod(it, { name: 'twice' })).rejects.toMatchObject({ code: 'KUBE_INVALID', fields: { detail } })
  })

  test('a service account token is reviewed as its account, for its audiences and no others', async () => {
    await using it = await open()
    const path = pathOf(SERVICE_ACCOUNTS, { namespace: it.namespace, name: 'default', subresource: 'token' })
    const spec = { audiences: ['pallas'], expirationSeconds: 600 }
    const { status } = await it.admin.create(path, { metadata: {}, spec })
    const { token } = status as { token: string }
    const username = `system:serviceaccount:${it.namespace}:default`
    const good = await reviewToken(it.admin, { token, audiences: ['pallas', 'other'] })
    expect(good).toMatchObject({ authenticated: true, username, audiences: ['pallas'], pod: undefined })
    expect(await reviewToken(it.admin, { token, audiences: ['other'] })).toEqual({ authenticated: false })
    expect(await reviewToken(it.admin, { token: `${token}x`, audiences: ['pallas'] })).toEqual({ authenticated: false })
  })

  test('a token that is bound to a pod says which, and on which node, for as long as that pod is there', async () => {
    await using it = await open()
    const [node] = await listNodes(it.admin)
    const place = { namespace: it.namespace, name: 'bound' }
    const made = await it.admin.create(pathOf(PODS, { namespace: it.namespace }), newPodObject({ name: 'bound' }, { nodeName: node?.name }))
    const { uid } = podOf(made)
    const path = pathOf(SERVICE_ACCOUNTS, { namespace: it.namespace, name: 'default', subresource: 'token' })
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'bound', uid }
    const { status } = await it.admin.create(path, { metadata: {}, spec: { audiences: ['pallas'], expirationSeconds: 600, boundObjectRef } })
    const { token } = status as { token: string }
    const review = () => reviewToken(it.admin, { token, audiences: ['pallas'] })
    expect(await review()).toMatchObject({ authenticated: true, pod: { name: 'bound', uid }, node: node?.name })
    const [header = ''] = token.split('.')
    expect(Object.keys(JSON.parse(Buffer.from(header, 'base64url').toString())).toSorted()).toEqual(['alg', 'kid'])
    await it.admin.delete(pathOf(PODS, place), { gracePeriodSeconds: 0 })
    // A real server remembers for some seconds what it has just said.
    const after = await eventually(async () => {
      const verdict = await review()
      return verdict.authenticated ? undefined : verdict
    }, 30_000)
    expect(after).toEqual({ authenticated: false })
  }, 60_000)
}
