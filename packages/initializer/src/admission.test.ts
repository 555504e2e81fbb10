/** The webhook at an embedded API server keeps the contract of admission. */
import { allowReview, MUTATING_WEBHOOKS, pathOf } from '@pallas/kubernetes'
import { startTestWebhook } from '@pallas/kubernetes/testing'
import type { AdmissionWorld } from './testing/admission.ts'
import { openCluster } from './testing/cluster.ts'
import { describeAdmission } from './testing/contract.ts'
import { TRIGGER } from './testing/init-config.ts'

async function openWorld(hostNetwork: string): Promise<AdmissionWorld> {
  const it = await openCluster({ settings: { hostNetwork } })
  const { admin } = it
  return {
    admin,
    namespace: 'media',
    trigger: TRIGGER,
    async reorder() {
      await using scope = new AsyncDisposableStack()
      const before = [{ op: 'add', path: '/spec/initContainers/0', value: { name: 'other-init', image: 'images.test/other:1' } }] as const
      const other = scope.use(
        await startTestWebhook((request) => allowReview(request, { patch: JSON.stringify(request.object).includes('other-init') ? [] : before })),
      )
      const name = 'z-other.example.org'
      const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]
      const webhook = { name, clientConfig: { url: other.url, caBundle: other.caBundle }, rules, sideEffects: 'None', admissionReviewVersions: ['v1'] }
      await admin.create(pathOf(MUTATING_WEBHOOKS), { metadata: { name }, webhooks: [webhook] })
      scope.defer(() => admin.delete(pathOf(MUTATING_WEBHOOKS, { name })))
      const parts = scope.move()
      return { [Symbol.asyncDispose]: () => parts.disposeAsync() }
    },
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  }
}

describeAdmission('the webhook', ({ hostNetwork }) => openWorld(hostNetwork), { fuzzRuns: 60, ephemeralContainers: false })
