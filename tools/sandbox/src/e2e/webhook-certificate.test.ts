/**
 * The certificate of the webhook, by which the API server knows it: of its own making, or from whoever runs the cluster.
 *
 * Node's home alone: the webhook has no other, and pods here only have to start.
 */
import { MUTATING_WEBHOOKS, pathOf, readWebhookRoots } from '@pallas/kubernetes'
import { eventually, launch, request } from '@pallas/suite'
import { readCertificate } from '@pallas/x509'
import { expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { userOf, WEBHOOK } from '../names.ts'
import { createPod, isRunning, waitForPod } from '../pod-control.ts'
import { adminUrl } from '../programs.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

const PLACE = pathOf(MUTATING_WEBHOOKS, { name: WEBHOOK })

const bundleOf = async ({ admin }: Cluster): Promise<string> => (await readWebhookRoots(admin, WEBHOOK))?.bundles.join('') ?? 'no configuration'

const writersIn = ({ calls }: ClusterUnderTest): unknown[] => calls.filter(({ path, method }) => path === PLACE && method !== 'GET').map(({ username }) => username)

test('is vouched for by an authority in caBundle, which leaves with the webhook and is another one when it is back (T27)', async () => {
  await using it = await openCluster()
  const { cluster } = it
  await launch(it, request(it, 'web-0'))
  const first = readCertificate(await bundleOf(cluster))
  expect(first.isCa).toBe(true)
  expect(writersIn(it)).toEqual([userOf('athenz-initializer')])

  await cluster.controlPlane.stop('initializer')
  expect(await bundleOf(cluster)).toBe('')
  await cluster.controlPlane.start('initializer')
  const second = readCertificate(await bundleOf(cluster))
  expect(second.serial).not.toBe(first.serial)
  await launch(it, request(it, 'web-1'))
})

test('is put back into caBundle when a manifest is applied over it: pods wait, and none goes in unseen (T27)', async () => {
  await using it = await openCluster()
  const { cluster } = it
  const patch = [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: '' }]
  await cluster.admin.patch(PLACE, { kind: 'json', patch })
  const pod = request(it, 'web-0')
  await eventually('the webhook to be trusted again', () => createPod(cluster, pod).then(() => true, () => undefined))
  const { spec } = await waitForPod(cluster, pod, isRunning)
  expect(spec.initContainers?.map(({ name }) => name)).toContain('sia-init')
})

test('is what it was given, where it was given one: the webhook writes nothing to the API server (T27)', async () => {
  await using it = await openCluster({ webhookCertificate: 'provisioned' })
  const { cluster } = it
  await launch(it, request(it, 'web-0'))
  expect(await bundleOf(cluster)).toBe(cluster.pki.kubernetesCa.chainPem)
  expect(writersIn(it)).toEqual([])
  const metrics = await (await fetch(`${adminUrl(cluster.ports.initializerAdmin)}/metrics`)).text()
  expect(metrics).not.toContain('_ca_bundle_')
})
