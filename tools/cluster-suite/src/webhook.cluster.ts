/** The initializer is away: who asked for an identity is not let in unseen, and nobody else waits. */
import { createPod, isRunning, launch, podManifest, request, waitForPod } from '@pallas/suite'
import { pathOf, PODS } from '@pallas/kubernetes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClusterWorld, openWorld } from './world/open-world.ts'

let it: ClusterWorld

beforeAll(async () => {
  it = await openWorld()
  await it.programs.stop('initializer', 'kill')
})
afterAll(async () => {
  await it.programs.start('initializer')
  await it[Symbol.asyncDispose]()
})

const IDLE = ['sleep', '3600']

test('a pod that asks for an identity is not created (T24)', async () => {
  await expect(createPod(it, request(it, 'unseen-0'))).rejects.toMatchObject({
    code: 'KUBE_BUSY',
    fields: { detail: expect.stringContaining('failed calling webhook "athenz.initializer.kubernetes.io"') as string },
  })
  await expect(it.api.get(pathOf(PODS, { namespace: 'shop', name: 'unseen-0' }))).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
})

test('a pod that does not ask is created, and runs (T24)', async () => {
  await launch(it, request(it, 'plain-0', { identity: false, command: IDLE }))
})

test.each(['k8s-admin', 'kube-system'])('in %s even a pod that asks is created as it is: what the cluster stands on waits for nobody (T24)', async (namespace) => {
  const pod = request(it, `own-${namespace}`, { namespace, serviceAccount: 'default', command: ['true'], restartPolicy: 'Never', identity: false })
  const { metadata, ...rest } = podManifest(it, pod) as { metadata: object }
  const annotations = { 'initializer.kubernetes.io/athenz': 'true' }
  await it.api.create(pathOf(PODS, { namespace }), { ...rest, metadata: { ...metadata, annotations } })
  const ended = await waitForPod(it, pod, ({ status }) => status?.['phase'] === 'Succeeded')
  expect(ended.spec.initContainers ?? []).toEqual([])
  await it.api.delete(pathOf(PODS, { namespace, name: pod.name }))
})

test('when it is back, pods that ask are launched again (T24)', async () => {
  await it.programs.start('initializer')
  const pod = request(it, 'seen-0', { command: IDLE })
  await launch(it, pod)
  await waitForPod(it, pod, isRunning)
})
