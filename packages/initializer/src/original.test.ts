/**
 * The ConfigMap of the original suite, unchanged, through an API server and the webhook: what the original's initializer
 * would have made of a pod (spec/athenz-suite.md 6), and where ours differs on purpose.
 */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { beforeAll, describe, expect, test } from 'vitest'
import { openCluster } from './testing/cluster.ts'
import { type Item, type MadeSpec, namesIn } from './testing/made.ts'
import { TRIGGER } from './testing/init-config.ts'

type Cluster = Awaited<ReturnType<typeof openCluster>>

let config: string
let templates: Record<'volume' | 'init' | 'refresh', Item>
beforeAll(async () => {
  config = await readFile(new URL('testing/original-init-config.yaml', import.meta.url), 'utf8')
  const texts = parse(config) as Record<string, string>
  const templateOf = (name: string) => parse(texts[`${name}Template`] ?? '') as Item
  templates = { volume: templateOf('volume'), init: templateOf('init'), refresh: templateOf('refresh') }
})

/** The demo workload of the original: it mounts volumes of its own under the names that the SIA uses. */
const testApp = {
  containers: [
    {
      name: 'main',
      image: 'local/k8s-athenz-test-app:latest',
      volumeMounts: [
        { name: 'ntoken', mountPath: '/tokens' },
        { name: 'tlscerts', mountPath: '/var/athenz/tls' },
      ],
    },
  ],
  volumes: [
    { name: 'ntoken', emptyDir: {} },
    { name: 'tlscerts', emptyDir: {} },
  ],
}
const bare = { containers: [{ name: 'main', image: 'app:1' }] }

/** Deviations: no container may write into the volume of the driver (W2), and no key reaches a disk of the node. */
const readOnly = (volume: Item): Item => ({ ...volume, flexVolume: { ...(volume['flexVolume'] as object), readOnly: true } })
const inMemory = (name: string): Item => ({ name, emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } })

/** The original's steps 3 and 4: prepend the three parts, append an `emptyDir` for each other volume that they mount. */
function asOriginal(spec: { volumes?: readonly Item[]; initContainers?: readonly Item[]; containers: readonly Item[] }) {
  const { volumes = [], initContainers = [] } = spec
  const present = [templates.volume, ...volumes].map(({ name }) => name)
  const lacking = ['ntoken', 'tlscerts'].filter((name) => !present.includes(name))
  return {
    volumes: [readOnly(templates.volume), ...volumes, ...lacking.map(inMemory)],
    initContainers: [templates.init, ...initContainers],
    containers: [templates.refresh, ...spec.containers],
  }
}

const isOurs = ({ name }: Item): boolean => !name.startsWith('kube-api-access-')

/** Without what the API server fills in and its ServiceAccount admission adds. */
function withoutServers({ volumes = [], initContainers = [], containers }: MadeSpec) {
  const strip = ({ terminationMessagePath: _p, terminationMessagePolicy: _t, ...it }: Item): Item => {
    const mounts = (it['volumeMounts'] as readonly Item[]).filter(isOurs)
    const { volumeMounts: _m, resources, imagePullPolicy, ...rest } = it
    const isSaid = imagePullPolicy === 'Never'
    return {
      ...rest,
      ...(Object.keys(resources as object).length === 0 ? {} : { resources }),
      ...(isSaid ? { imagePullPolicy } : {}),
      ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
    }
  }
  return { volumes: volumes.filter(isOurs), initContainers: initContainers.map(strip), containers: containers.map(strip) }
}

describe.each([
  ['the test app of the original', testApp],
  ['a pod without volumes', bare],
  ['a pod with init containers and a volume', { ...bare, initContainers: [{ name: 'migrate', image: 'm:1' }], volumes: [{ name: 'data', emptyDir: {} }] }],
])('%s', (_what, spec) => {
  const made = async (settings: Readonly<Record<string, string>>) => {
    await using cluster: Cluster = await openCluster({ config, settings })
    return withoutServers((await cluster.create(spec)).spec)
  }

  test('with the refresher as a container comes out as the original made it (C10)', async () => {
    expect(await made({ sidecar: 'container' })).toEqual(asOriginal(spec))
  })

  test('by default has the refresher as native sidecar: the first container stays the first (C10, W37)', async () => {
    const { volumes, initContainers, containers } = asOriginal(spec)
    const sidecar = { ...templates.refresh, restartPolicy: 'Always' }
    expect(await made({})).toEqual({ volumes, initContainers: [initContainers[0], sidecar, ...initContainers.slice(1)], containers: containers.slice(1) })
  })
})

test.each([
  ['without the annotation', {}],
  ['that says no', { annotations: { [TRIGGER]: 'false' } }],
  ['with another value', { annotations: { [TRIGGER]: 'True' } }],
])('a pod %s comes out without any part (C10)', async (_what, metadata) => {
  await using cluster = await openCluster({ config })
  const { spec } = await cluster.create(bare, metadata)
  expect(spec.initContainers).toBeUndefined()
  expect(namesIn(spec.containers)).toEqual(['main'])
})

test.each<[string, object, RegExp]>([
  ['a volume', { ...bare, volumes: [{ name: 'sia-identity', hostPath: { path: '/' } }] }, /volume "sia-identity" differs/],
  ['an init container', { ...bare, initContainers: [{ name: 'sia-init', image: 'x' }] }, /container "sia-init" differs/],
  ['a container', { containers: [{ name: 'sia-refresh', image: 'x' }] }, /container "sia-refresh" differs/],
  ['a volume of another kind in the place of a shared one', { ...bare, volumes: [{ name: 'tlscerts', hostPath: { path: '/' } }] }, /volume "tlscerts" must be an emptyDir/],
])('%s of a name that is injected is refused with a message; in the original the pod hung, or was given its own (W36)', async (_what, spec, message) => {
  await using cluster = await openCluster({ config })
  const error: unknown = await cluster.create(spec).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ status: 403, fields: { detail: expect.stringMatching(message) } })
})

test('a pod with pending initializers is decided by its annotation alone, and that list is left as it is (W35)', async () => {
  await using cluster = await openCluster({ config })
  const initializers = { pending: [{ name: 'someone.else.example.org' }, { name: 'athenz.initializer.kubernetes.io' }] }
  const { metadata, spec } = await cluster.create(bare, { annotations: { [TRIGGER]: 'true' }, initializers })
  expect(namesIn(spec.initContainers)).toEqual(['sia-init', 'sia-refresh'])
  expect(metadata).toMatchObject({ initializers })
})

test('a pod that was injected is made again as it is; the original would have injected twice (T25)', async () => {
  await using cluster = await openCluster({ config })
  const { spec } = await cluster.create(testApp)
  const { spec: again } = await cluster.create({ ...spec, nodeName: undefined })
  expect(again.initContainers).toEqual(spec.initContainers)
  expect(again.volumes).toEqual(spec.volumes)
})
