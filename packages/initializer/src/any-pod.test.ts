/** Whatever pod somebody makes: the API server takes what comes out, and everything of it that was there still is. */
import * as fc from 'fast-check'
import { allowReview, type JsonPatchOperation } from '@pallas/kubernetes'
import { startTestWebhook } from '@pallas/kubernetes/testing'
import { expect, test } from 'vitest'
import { anyPods, expectKept } from './testing/any-pods.ts'
import { openCluster } from './testing/cluster.ts'
import { type MadeSpec, namesIn } from './testing/made.ts'
import { TRIGGER } from './testing/init-config.ts'

const COLLISION = /"(sia-identity|sia-init|sia-refresh|ntoken|tlscerts)" (differs|must)/

test('a pod that is injected is taken by the server, keeps all that it had, and is left alone when it is made again (T25, T26)', async () => {
  await using it = await openCluster()
  let [injected, refused] = [0, 0]
  const property = fc.asyncProperty(anyPods, async ({ metadata, spec }) => {
    const asked = { ...metadata, annotations: { ...metadata.annotations, [TRIGGER]: 'true' } }
    const made = await it.create(spec, asked).catch((error: unknown) => error)
    if (made instanceof Error) {
      refused++
      // Only ever for a name of ours, and never with what a pod says of itself.
      expect(made).toMatchObject({ status: 403, fields: { detail: expect.stringMatching(COLLISION) } })
      return
    }
    injected++
    const { spec: after, metadata: about } = made as { spec: MadeSpec; metadata: object }
    const { volumes, initContainers, containers, ...others } = spec as Partial<MadeSpec>
    expect(after).toMatchObject(others)
    expect(about).toMatchObject(asked)
    expectKept(after.volumes, volumes)
    expectKept(after.initContainers, initContainers)
    expectKept(after.containers, containers)
    const ours = [...namesIn(after.initContainers), ...namesIn(after.containers)].filter((name) => ['sia-init', 'sia-refresh'].includes(name))
    expect(ours.toSorted()).toEqual(['sia-init', 'sia-refresh'])
    expect(namesIn(after.initContainers).slice(0, 2)).toEqual(['sia-init', 'sia-refresh'])
    expect(after.volumes?.[0]?.name).toBe('sia-identity')

    const { spec: again } = await it.create({ ...after, nodeName: undefined }, asked)
    expect([again.volumes, again.initContainers, again.containers]).toEqual([after.volumes, after.initContainers, after.containers])
  })
  await fc.assert(property, { numRuns: 120 })
  expect(injected).toBeGreaterThan(40)
  expect(refused).toBeGreaterThan(0)
}, 60_000)

test('a pod that does not ask is made as if there were no initializer (T24, T26)', async () => {
  await using it = await openCluster()
  await fc.assert(
    fc.asyncProperty(anyPods, async ({ metadata, spec }) => {
      const { spec: after } = await it.create(spec, metadata)
      expect(namesIn(after.initContainers)).toEqual(namesIn(spec.initContainers))
      expect(namesIn(after.containers)).toEqual(namesIn(spec.containers))
      expect(namesIn(after.volumes).filter((name) => !name.startsWith('kube-api-access-'))).toEqual(namesIn(spec.volumes))
    }),
    { numRuns: 30 },
  )
}, 60_000)

type Change = (spec: MadeSpec) => JsonPatchOperation[]

/** The same value at one place in each init container. */
const inEach = (field: string, value: unknown): Change => ({ initContainers = [] }) =>
  initContainers.map((_, index) => ({ op: 'add', path: `/spec/initContainers/${index}/${field}`, value }))

const LISTS = ['volumes', 'initContainers', 'containers'] as const
const turnRound: Change = (spec) =>
  LISTS.map((list) => ({ op: 'replace', path: `/spec/${list}`, value: spec[list]?.toReversed() ?? [] }))

const meshFirst: Change = ({ initContainers }) => {
  const value = { name: 'mesh', image: 'mesh:1' }
  return namesIn(initContainers).includes('mesh') ? [] : [{ op: 'add', path: '/spec/initContainers/0', value }]
}

/** How another injector changes what it is shown, each time that it is asked. */
const injectors: readonly [string, Change][] = [
  ['turns every list round', turnRound],
  ['puts its own container before ours', meshFirst],
  ['adds a variable that is tolerated to every container', inEach('env', [{ name: 'MESH', value: '1' }])],
  ['takes rights from every container', inEach('securityContext', { allowPrivilegeEscalation: false, runAsUser: 1_000 })],
]

test.each(injectors)('another injector that %s after us: we are asked again, and the pod has each part once (T25)', async (_what, change) => {
  await using other = await startTestWebhook((request) => allowReview(request, { patch: change(request.object?.['spec'] as MadeSpec) }))
  await using it = await openCluster({ after: other, settings: { toleratedEnv: 'MESH' } })
  const { spec } = await it.create({ containers: [{ name: 'app', image: 'app' }], volumes: [{ name: 'data', emptyDir: {} }] })
  const all = [...namesIn(spec.initContainers), ...namesIn(spec.containers)].filter((name) => name !== 'mesh')
  expect(all.toSorted()).toEqual(['app', 'sia-init', 'sia-refresh'])
  expect(namesIn(spec.volumes).filter((name) => !name.startsWith('kube-api')).toSorted()).toEqual(['data', 'ntoken', 'sia-identity', 'tlscerts'])
  expect(it.memory.records.filter(({ msg }) => msg === 'pod injected')).toHaveLength(1)
})

test.each<[string, Change]>([
  ['a privilege', () => [{ op: 'add', path: '/spec/initContainers/0/securityContext', value: { privileged: true } }]],
  ['a variable that nobody tolerates', inEach('env', [{ name: 'MESH', value: '1' }])],
  ['its image from a mirror', () => [{ op: 'replace', path: '/spec/initContainers/0/image', value: 'mirror.example/local/k8s-athenz-sia:latest' }]],
  ['another command', () => [{ op: 'replace', path: '/spec/initContainers/0/command', value: ['/bin/sh'] }]],
  ['a mount over its program', () => [{ op: 'add', path: '/spec/initContainers/0/volumeMounts/-', value: { name: 'data', mountPath: '/usr/bin' } }]],
])('an injector that gives our container %s gets the pod refused at our second look (T26)', async (_what, change) => {
  await using other = await startTestWebhook((request) => allowReview(request, { patch: change(request.object?.['spec'] as MadeSpec) }))
  await using it = await openCluster({ after: other })
  const making = it.create({ containers: [{ name: 'app', image: 'app' }], volumes: [{ name: 'data', emptyDir: {} }] })
  await expect(making).rejects.toMatchObject({ status: 403, fields: { detail: expect.stringContaining('container "sia-init" differs') } })
})

const app = { name: 'a', image: 'a' }
const V = { name: 'v', mountPath: '/x' }

test.each<[string, object, string]>([
  ['a name that is a json pointer', { containers: [{ name: 'a/b~1', image: 'a' }] }, 'spec.containers[0].name'],
  ['a name that goes up', { containers: [{ name: '../../app', image: 'a' }] }, 'spec.containers[0].name'],
  ['a volume name that is a directive of merging', { volumes: [{ name: '$patch', emptyDir: {} }] }, 'spec.volumes[1].name'],
  ['two mounts at one path', { containers: [{ ...app, volumeMounts: [V, V] }], volumes: [{ name: 'v', emptyDir: {} }] }, 'volumeMounts[1].mountPath'],
  ['two containers of one name', { containers: [{ name: 'a', image: 'a' }, { name: 'a', image: 'b' }] }, 'spec.containers[1].name'],
])('a pod with %s is refused by the server for that, injected or not (T26)', async (_what, spec, field) => {
  await using it = await openCluster()
  await expect(it.create(spec)).rejects.toMatchObject({ status: 422, fields: { detail: expect.stringContaining(field) } })
})
