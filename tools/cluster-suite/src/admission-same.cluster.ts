/** Webhook and policies side by side at a real API server: of the same pods and templates they make the same. */
import { type AdmissionWorld, makePod } from '@pallas/initializer/testing/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InjectionOptions } from './admission/replicas.ts'
import { openPolicyWorld, openWebhookWorld } from './admission/worlds.ts'

const MOUNTS = [{ name: 'sia-identity', mountPath: '/identity' }]
const RICH = {
  name: 'sia-refresh',
  image: 'sia:1',
  args: ["it's", '$(HOME)', 'ü', '"}]'],
  env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }, { name: 'EMPTY' }, { name: 'A', value: '1' }],
  ports: [{ containerPort: 9090, name: 'metrics' }, { containerPort: 53, protocol: 'UDP' }],
  livenessProbe: { httpGet: { path: '/healthz', port: 9090 }, periodSeconds: 20 },
  lifecycle: { preStop: { exec: { command: ['/bin/sleep', '1'] } } },
  resources: { limits: { cpu: 1, memory: '0.5Gi' }, requests: { cpu: '0.05' } },
  securityContext: { runAsUser: 1_000, capabilities: { drop: ['ALL'] } },
  volumeMounts: [...MOUNTS, { name: 'own', mountPath: '/own', subPath: 'a', readOnly: true }],
}
const CSI = { name: 'sia-identity', csi: { driver: 'csi.athenz.io', readOnly: true, volumeAttributes: { 'a.example/b': 'c', in: 'd' } } }

const VARIANTS: readonly (readonly [string, InjectionOptions])[] = [
  ['with everything that a template can say', { hostNetwork: 'refuse', templates: { refreshTemplate: RICH, volumeTemplate: CSI } }],
  ['with the refresher as one more container', { hostNetwork: 'refuse', settings: { sidecar: 'container' } }],
  ['with images to remove', { hostNetwork: 'refuse', templates: { removeImages: ['local/mock-sia', 'r.example:5000/a/b', 'local/k8s-athenz-sia'] } }],
  ["with what is tolerated, on the host's network", { hostNetwork: 'no-ip', settings: { toleratedEnv: 'HTTPS_PROXY', toleratedMounts: '/etc/ssl/certs' }, templates: { refreshTemplate: RICH } }],
]

const container = (name: string, image: string, more: object = {}) => ({ name, image, ...more })
/** Third: what becomes of it whatever the templates are. */
const PODS: readonly (readonly [string, object, 'made' | 'refused' | 'either'])[] = [
  ['a plain pod', {}, 'made'],
  ['one with volumes and init containers', { volumes: [{ name: 'own', emptyDir: {} }, { name: 'tlscerts', emptyDir: {} }], initContainers: [container('a', 'b')] }, 'made'],
  ['one without the token of its account', { automountServiceAccountToken: false }, 'made'],
  ["one on its host's network", { hostNetwork: true }, 'either'],
  ['one with hand-made parts', { containers: [container('app', 'app:1'), container('sia', 'local/mock-sia:v1'), container('x', 'r.example:5000/a/b@sha256:0000'), container('last', 'app')] }, 'either'],
  ['one with hand-made init containers', { initContainers: [container('one', 'local/mock-sia'), container('two', 'b'), container('three', 'local/mock-sia:2')] }, 'either'],
  ['one with a part of our name, of an image to remove', { initContainers: [container('sia-init', 'local/k8s-athenz-sia:old'), container('two', 'b')] }, 'either'],
  ['one with an image of a name that begins alike', { containers: [container('app', 'local/mock-sia-not'), container('b', 'local/mock-sia/x')] }, 'either'],
  ['one with a look-alike', { initContainers: [container('sia-refresh', 'sia:1')] }, 'refused'],
  ['one with a volume of our name', { volumes: [{ name: 'sia-identity', emptyDir: {} }] }, 'refused'],
]

/** Without what the server draws by lot. */
const kept = async (world: AdmissionWorld, spec: object): Promise<{ readonly spec?: object; readonly refused?: true }> => {
  const outcome = await makePod(world, { spec })
  if (outcome.kind === 'refused') return { refused: true }
  return { spec: JSON.parse(JSON.stringify(outcome.spec).replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access')) as object }
}

/** One pair a variant, webhook and policies; all opened at once, for each takes seconds to come into force. */
let pairs: ReadonlyMap<InjectionOptions, readonly AdmissionWorld[]> = new Map()
let opening: readonly Promise<AdmissionWorld>[] = []

beforeAll(async () => {
  const begun = VARIANTS.map(([, options]) => [options, [openWebhookWorld(options), openPolicyWorld(options)]] as const)
  opening = begun.flatMap(([, worlds]) => worlds)
  pairs = new Map(await Promise.all(begun.map(async ([options, worlds]) => [options, await Promise.all(worlds)] as const)))
})
/** Those too that were opened beside one that could not be. */
afterAll(async () => {
  const outcomes = await Promise.allSettled(opening)
  await Promise.all(outcomes.map(async (outcome) => outcome.status === 'fulfilled' && outcome.value[Symbol.asyncDispose]()))
})

describe.each(VARIANTS)('templates %s', (_what, options) => {
  const pair = (): readonly AdmissionWorld[] => {
    const worlds = pairs.get(options)
    if (worlds === undefined) throw new Error('its worlds are not open')
    return worlds
  }

  test.each(PODS)('make the same of %s, and leave it alone when it is made again (T25, T26)', async (_pod, spec, wanted) => {
    const [first, second] = await Promise.all(pair().map((world) => kept(world, spec)))
    expect(second).toEqual(first)
    if (wanted !== 'either') expect(first?.refused === true ? 'refused' : 'made').toBe(wanted)
    if (wanted === 'made') expect(JSON.stringify(first)).toContain('"sia-init"')
    if (first?.spec === undefined) return
    for (const world of pair()) expect(await kept(world, first.spec)).toEqual(first)
  })

  test('let pass what is tolerated, and nothing else (T25, T26)', async () => {
    const [webhook] = pair() as [AdmissionWorld]
    const made = await makePod(webhook)
    const { initContainers = [], ...rest } = made.kind === 'made' ? made.spec : { initContainers: [] }
    const own = [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }]
    const changed = initContainers.map((it) => ({ ...it, env: [...own, ...((it['env'] as object[] | undefined) ?? [])] }))
    const outcomes = await Promise.all(pair().map(async (world) => (await makePod(world, { spec: { ...rest, initContainers: changed } })).kind))
    const wanted = options.settings?.['toleratedEnv'] === undefined ? 'refused' : 'made'
    expect(outcomes).toEqual([wanted, wanted])
  })
})
