/** Admission at a real API server: the webhook that makes its certificate itself, and the policies with no webhook at all. */
import { ANNOTATIONS, describeAdmission } from '@pallas/initializer/testing/contract'
import { allowReview, isKubernetesError, MUTATING_WEBHOOKS, pathOf, PODS, readWebhookRoots } from '@pallas/kubernetes'
import { newPodObject, startTestWebhook } from '@pallas/kubernetes/testing'
import { eventually } from '@pallas/suite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allow, applyGuard } from './admission/guard.ts'
import { OWN_ADDRESS, REFUSED } from './admission/guard-attacks.ts'
import { openAdmissionHome, registerWebhook, TRIGGER } from './admission/replicas.ts'
import { healBundle, type Healing, type Renewals, renewUnderLoad, withoutBundle } from './admission/trials.ts'
import { openPolicyWorld, openWebhookWorld } from './admission/worlds.ts'

let renewing: Promise<Renewals>
let healing: Promise<Healing>

/** Both go on beside the tests before theirs; the load of the one would be in the way of the other, which has seconds. */
beforeAll(() => {
  healing = healBundle()
  renewing = healing.then(renewUnderLoad, renewUnderLoad)
  for (const it of [renewing, healing]) it.catch(() => undefined)
})
afterAll(() => Promise.allSettled([renewing, healing]))

describeAdmission('the webhook at a real api server', openWebhookWorld, { fuzzRuns: 60, ephemeralContainers: true })
describeAdmission('the policies at a real api server, with no webhook,', openPolicyWorld, { fuzzRuns: 60, ephemeralContainers: true })

const DRY_RUN = '?dryRun=All'

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

test('replicas renew, come and go under load at a real api server: no call fails (T27)', async () => {
  const { calls, failures, entries } = await renewing
  expect(failures).toEqual([])
  expect(calls).toBeGreaterThan(100)
  expect(entries).toBeGreaterThan(0)
  expect(entries).toBeLessThanOrEqual(6)
})

test('a bundle that somebody empties is whole again within seconds (T27)', async () => {
  const { before, after } = await healing
  expect(after).toBe(before)
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
  expect(withoutBundle(await home.admin.get(path))).toBe(withoutBundle(before))
  // Whoever administers is not held by it.
  await home.admin.patch(path, { kind: 'json', patch: [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 3 }] })
})
