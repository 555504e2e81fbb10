import { isKubernetesError } from '@pallas/kubernetes'
import { expect, test } from 'vitest'
import { openCluster } from './testing/cluster.ts'
import { namesIn } from './testing/made.ts'
import { TRIGGER } from './testing/init-config.ts'

test('a pod made at the api server comes out injected, and making what came out again changes nothing (C10, T25)', async () => {
  await using it = await openCluster()
  const { spec: made } = await it.create({})
  expect(namesIn(made.volumes)).toEqual(expect.arrayContaining(['sia-identity', 'ntoken', 'tlscerts']))
  expect(namesIn(made.initContainers)).toEqual(['sia-init', 'sia-refresh'])
  const { spec: again } = await it.create({ ...made, nodeName: undefined })
  expect(namesIn(again.volumes)).toEqual(namesIn(made.volumes))
  expect(namesIn(again.initContainers)).toEqual(namesIn(made.initContainers))
})

test('a pod that does not ask comes out as it went in', async () => {
  await using it = await openCluster()
  expect((await it.create({}, {})).spec.initContainers).toBeUndefined()
})

test('whoever makes a pod that collides is told what with', async () => {
  await using it = await openCluster()
  const error: unknown = await it.create({ volumes: [{ name: 'sia-identity', emptyDir: {} }] }).catch((thrown: unknown) => thrown)
  expect(isKubernetesError(error)).toBe(true)
  expect(error).toMatchObject({ status: 403 })
})

test('without the right to read the config map it does not start, and that is no verdict on templates', async () => {
  await expect(openCluster({ asUser: 'nobody' })).rejects.toMatchObject({ code: 'API_UNAVAILABLE', kind: 'unavailable' })
})

test('while no replica answers only pods that ask must wait; all others, and those of the control plane, are made (W35, T24)', async () => {
  const asks = `has(object.metadata.annotations) && '${TRIGGER}' in object.metadata.annotations`
  const foreign = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['k8s-admin', 'kube-system'] }
  const conditions = { matchConditions: [{ name: 'asks', expression: asks }], namespaceSelector: { matchExpressions: [foreign] } }
  await using it = await openCluster({ conditions })
  expect(namesIn((await it.create({})).spec.initContainers)).toEqual(['sia-init', 'sia-refresh'])
  await it.stop()
  await expect(it.create({})).rejects.toMatchObject({ code: 'KUBE_BUSY', status: 500 })
  const unasked = [{}, { annotations: { other: 'true' } }]
  for (const metadata of unasked) expect((await it.create({}, metadata)).spec.initContainers).toBeUndefined()
  const asking = { annotations: { [TRIGGER]: 'true' } }
  for (const namespace of ['k8s-admin', 'kube-system']) expect((await it.create({}, asking, namespace)).spec.initContainers).toBeUndefined()
})
