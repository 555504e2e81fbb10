/** Admission at a real API server: the webhook that makes its certificate itself, and the policies with no webhook at all. */
import { ANNOTATIONS, describeAdmission, makePod } from '@pallas/initializer/testing/contract'
import { allowReview, isKubernetesError, MUTATING_WEBHOOKS, pathOf, PODS, readWebhookRoots } from '@pallas/kubernetes'
import { newPodObject, startTestWebhook } from '@pallas/kubernetes/testing'
import { eventually } from '@pallas/suite'
import { expect, test } from 'vitest'
import { allow, applyGuard } from './admission/guard.ts'
import { OWN_ADDRESS, REFUSED } from './admission/guard-attacks.ts'
import { type AdmissionHome, openAdmissionHome, openRealWebhook, registerWebhook, TRIGGER } from './admission/replicas.ts'
import { openPolicyWorld, openWebhookWorld } from './admission/worlds.ts'

describeAdmission('the webhook at a real api server', openWebhookWorld, { fuzzRuns: 60, ephemeralContainers: true })
describeAdmission('the policies at a real api server, with no webhook,', openPolicyWorld, { fuzzRuns: 60, ephemeralContainers: true })

const DRY_RUN = '?dryRun=All'
const worldOf = ({ admin, namespace }: AdmissionHome) => ({ admin, namespace, trigger: TRIGGER, reorder: () => Promise.reject(new Error('nobody else is here')), [Symbol.asyncDispose]: async () => undefined })

test('the api server asks exactly where an annotation says something but "false" (T24)', async () => {
  await using home = await openAdmissionHome()
  await using webhook = await startTestWebhook((request) => allowReview(request))
  await using _configuration = await registerWebhook(home, { url: webhook.url, caBundle: webhook.caBundle })
  const isAsked = async (annotations: object): Promise<boolean> => {
    const before = webhook.seen.length
    await home.admin.create(pathOf(PODS, { namespace: home.namespace }) + DRY_RUN, newPodObject({ generateName: 'web-', annotations }))
    return webhook.seen.length > before
  }
  await eventually('the webhook is known', async () => ((await isAsked({ [TRIGGER]: 'true' })) ? true : undefined))
  for (const [what, written] of ANNOTATIONS) {
    const annotations = Object.fromEntries(Object.entries(written ?? {}).map(([key, value]) => [key.replace('initializer.kubernetes.io/athenz', TRIGGER), value]))
    const said = annotations[TRIGGER]
    expect([what, await isAsked(annotations)]).toEqual([what, said !== undefined && said !== 'false'])
  }
})

/** Pods made for show by several clients, until disposed. */
function load(home: AdmissionHome) {
  const seen = { calls: 0, failures: [] as unknown[] }
  const stop = new AbortController()
  const client = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const outcome = await makePod(worldOf(home)).catch((error: unknown) => error)
      seen.calls++
      if (!JSON.stringify(outcome).includes('"sia-init"')) seen.failures.push(outcome)
    }
  }
  const clients = Array.from({ length: 4 }, client)
  return Object.assign(seen, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(clients)
    },
  })
}

test('replicas renew, come and go under load at a real api server: no call fails (T27)', async () => {
  await using home = await openAdmissionHome()
  await using webhook = await openRealWebhook(home, { hostNetwork: 'refuse' })
  const quick = { certificateLife: '16s' }
  const [first, second] = await Promise.all([webhook.start('web-a', quick), webhook.start('web-b', quick)])
  await eventually('pods are injected', async () => ((await makePod(worldOf(home)).catch(() => undefined))?.kind === 'made' ? true : undefined))
  const running = load(home)
  await using _load = running
  await eventually('both have renewed', async () => ((await first.used()) >= 3 && (await second.used()) >= 3 ? true : undefined), 60_000)
  const late = await webhook.start('web-c', quick)
  await first.stop()
  await eventually('the new one has renewed', async () => ((await late.used()) >= 2 ? true : undefined), 60_000)
  await running[Symbol.asyncDispose]()
  expect(running.failures).toEqual([])
  expect(running.calls).toBeGreaterThan(100)
  const bundle = (await readWebhookRoots(home.admin, home.name))?.bundles[0] ?? ''
  expect(bundle.match(/BEGIN CERTIFICATE/g)?.length).toBeLessThanOrEqual(6)
})

const without = (object: object): string =>
  JSON.stringify(object, (key, value: unknown) => (['caBundle', 'resourceVersion', 'generation', 'managedFields'].includes(key) ? undefined : value))

test('a bundle that somebody empties is whole again within seconds (T27)', async () => {
  await using home = await openAdmissionHome()
  await using webhook = await openRealWebhook(home, { hostNetwork: 'refuse' })
  await Promise.all(['web-a', 'web-b'].map((name) => webhook.start(name)))
  const path = pathOf(MUTATING_WEBHOOKS, { name: home.name })
  const before = await home.admin.get(path)
  await home.admin.patch(path, { kind: 'json', patch: [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }] })
  const entries = async (): Promise<number> => (await readWebhookRoots(home.admin, home.name))?.bundles[0]?.match(/BEGIN CERTIFICATE/g)?.length ?? 0
  await eventually('both are back', async () => ((await entries()) === 2 ? true : undefined), 10_000)
  await eventually('pods are injected', async () => ((await makePod(worldOf(home)).catch(() => undefined))?.kind === 'made' ? true : undefined))
  expect(without(await home.admin.get(path))).toBe(without(before))
})

test('whoever has the token of the initializer changes `caBundle`, and nothing else of its webhook (T27)', async () => {
  await using home = await openAdmissionHome()
  await using scope = new AsyncDisposableStack()
  const service = { namespace: home.namespace, name: 'nobody', path: '/mutate', port: 4443 }
  scope.use(await registerWebhook(home, { service }, { failurePolicy: 'Fail' }))
  scope.use(await applyGuard(home.name))
  const thief = home.clients.as(await allow(home, scope))
  const path = pathOf(MUTATING_WEBHOOKS, { name: home.name })
  const tried = (patch: readonly object[]): Promise<string> =>
    thief.patch(`${path}${DRY_RUN}`, { kind: 'json', patch }).then(() => 'done', (error: unknown) => String(isKubernetesError(error) && error.fields['detail']))
  await eventually('the guard stands', async () => ((await tried(OWN_ADDRESS)) === 'done' ? undefined : true))
  for (const [what, patch] of REFUSED) expect([what, await tried(patch)]).toEqual([what, expect.stringMatching(/denied request: the initializer changes no/)])
  await expect(thief.patch(path, { kind: 'merge', patch: { webhooks: [] } })).rejects.toMatchObject({ code: 'KUBE_INVALID' })

  const before = await home.admin.get(path)
  await thief.patch(path, { kind: 'json', patch: [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: Buffer.from(home.clients.caPem).toString('base64') }] })
  expect((await readWebhookRoots(home.admin, home.name))?.bundles).toEqual([home.clients.caPem])
  await thief.patch(path, { kind: 'json', patch: [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }] })
  expect(without(await home.admin.get(path))).toBe(without(before))
  // Whoever administers is not held by it.
  await home.admin.patch(path, { kind: 'json', patch: [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 3 }] })
})
