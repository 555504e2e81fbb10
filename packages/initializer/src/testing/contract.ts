/**
 * What every way of injecting keeps to, judged by the pods that an API server keeps: the webhook at an embedded server, the
 * webhook at a real one, and the policies at a real one with no webhook.
 */
import { pathOf, PODS } from '@pallas/kubernetes'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdmissionWorld, makePod, type NewPod, type OpenAdmission, type Outcome } from './admission.ts'
import { anyPods, expectKept } from './any-pods.ts'
import { type Item, type MadeSpec, namesIn } from './made.ts'

export { type AdmissionOptions, type AdmissionWorld, makePod, type OpenAdmission } from './admission.ts'
export { ANNOTATIONS } from './annotations.ts'
export { initConfig } from './init-config.ts'
export { namesIn } from './made.ts'

export interface AdmissionSuite {
  readonly fuzzRuns: number
  /** Whether pods can really be made there, and changed as `kubectl debug` does. */
  readonly ephemeralContainers: boolean
}

export function describeAdmission(name: string, open: OpenAdmission, { fuzzRuns, ephemeralContainers }: AdmissionSuite): void {
  describe(`${name} keeps the contract of admission`, () => {
    let world: AdmissionWorld
    beforeAll(async () => void (world = await open({ hostNetwork: 'refuse' })))
    afterAll(() => world[Symbol.asyncDispose]())
    const make = (pod?: NewPod): Promise<Outcome> => makePod(world, pod)
    const injected = async (pod?: NewPod): Promise<MadeSpec> => specOf(await make(pod))

    injectionPromises(make, injected)
    refusalPromises(make, injected)
    lookAlikePromises(make, injected)
    hostilePromises(make)
    othersPromises(() => world, injected, ephemeralContainers)

    test('any pod that is injected is valid, keeps all that it had, and comes out the same when it is made again (T25, T26)', async () => {
      const seen = { made: 0, refused: 0 }
      const property = fc.asyncProperty(anyPods, async ({ metadata, spec }) => {
        const { annotations, ...others } = metadata
        const outcome = await make({ metadata: others, annotations, spec })
        seen[outcome.kind]++
        if (outcome.kind === 'refused') {
          expect(outcome.message).toMatch(/"(sia-identity|sia-init|sia-refresh|ntoken|tlscerts)".*INJECTION_COLLISION/)
          return
        }
        const { volumes, initContainers, containers, ...rest } = spec as Partial<MadeSpec>
        expect(outcome.spec).toMatchObject(rest)
        expect(outcome.metadata.annotations).toMatchObject(annotations)
        expectKept(outcome.spec.volumes, volumes)
        expectKept(outcome.spec.initContainers, initContainers)
        expectKept(outcome.spec.containers, containers)
        expectOnce(outcome.spec)
        const again = await injected({ spec: outcome.spec })
        expect([again.initContainers, again.containers, again.volumes]).toEqual([outcome.spec.initContainers, outcome.spec.containers, outcome.spec.volumes])
      })
      await fc.assert(property, { numRuns: fuzzRuns })
      expect(seen.made).toBeGreaterThan(fuzzRuns / 4)
    }, 300_000)
  })

  describe(`${name}, told to let pods on their host's network pass, keeps the contract of admission`, () => {
    test('such a pod is injected, and left alone when it is made again (T25)', async () => {
      await using world = await open({ hostNetwork: 'no-ip' })
      const first = specOf(await makePod(world, { spec: { hostNetwork: true } }))
      expectOnce(first)
      expect(specOf(await makePod(world, { spec: first }))).toEqual(first)
    })
  })
}

type Make = (pod?: NewPod) => Promise<Outcome>
type Injected = (pod?: NewPod) => Promise<MadeSpec>

function specOf(outcome: Outcome): MadeSpec {
  if (outcome.kind === 'made') return outcome.spec
  throw new Error(`refused with ${outcome.status}: ${outcome.message}`)
}

const OURS = ['sia-init', 'sia-refresh']

/** Each part once, in its place. */
function expectOnce({ volumes, initContainers, containers }: MadeSpec): void {
  const ours = [...namesIn(initContainers), ...namesIn(containers)].filter((name) => OURS.includes(name))
  expect(ours).toEqual(OURS)
  expect(namesIn(initContainers).slice(0, 2)).toEqual(OURS)
  expect(namesIn(volumes)[0]).toBe('sia-identity')
  for (const name of ['sia-identity', 'ntoken', 'tlscerts']) expect(namesIn(volumes).filter((it) => it === name)).toEqual([name])
}

const container = (name: string, more: object = {}) => ({ name, image: 'images.test/app:1', ...more })

function injectionPromises(make: Make, injected: Injected): void {
  test('a pod that asks is injected once: volume first, init, refresher as native sidecar, then its own (T25)', async () => {
    const spec = await injected({ spec: { initContainers: [container('own-1'), container('own-2')] } })
    expectOnce(spec)
    expect(namesIn(spec.initContainers)).toEqual([...OURS, 'own-1', 'own-2'])
    expect(spec.initContainers?.map(({ restartPolicy }) => restartPolicy)).toEqual([undefined, 'Always', undefined, undefined])
    expect(spec.volumes?.find(({ name }) => name === 'ntoken')).toEqual({ name: 'ntoken', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } })
  })

  test('the identity is read-only for all containers, whether the template says so or not (W2)', async () => {
    expect((await injected()).volumes?.[0]).toMatchObject({ name: 'sia-identity', flexVolume: { readOnly: true } })
  })

  test.each<[string, object]>([
    ['a name of its own', { name: 'web-0', generateName: undefined }],
    ['a name that the server makes', { generateName: 'web-' }],
  ])('a pod with %s is injected (T25)', async (_what, metadata) => {
    expectOnce(await injected({ metadata }))
  })

  test('volumes that it has for the files of an identity are used (T25)', async () => {
    const spec = await injected({ spec: { volumes: [{ name: 'tlscerts', emptyDir: { medium: 'Memory' } }] } })
    expectOnce(spec)
    expect(spec.volumes?.find(({ name }) => name === 'tlscerts')).toEqual({ name: 'tlscerts', emptyDir: { medium: 'Memory' } })
  })

  test('a template that was taken from an injected pod is left as it is (T25)', async () => {
    const first = await injected()
    expect(await injected({ spec: first })).toEqual(first)
  })

  test.each(['false', 'True', ''])('a pod that says %j comes out as it went in (T24, T26)', async (value) => {
    const outcome = await make({ annotations: { [await triggerOf(make)]: value } })
    expect(specOf(outcome).initContainers).toBeUndefined()
  })
}

/** The annotation as a pod shows it that asks for nothing else. */
async function triggerOf(make: Make): Promise<string> {
  const outcome = await make()
  return outcome.kind === 'made' ? (Object.keys(outcome.metadata.annotations ?? {})[0] ?? '') : ''
}

function refusalPromises(make: Make, injected: Injected): void {
  test.each<[string, object, string]>([
    ["on its host's network", { hostNetwork: true }, 'HOST_NETWORK_REFUSED'],
    ['of Windows', { os: { name: 'windows' } }, 'POD_UNSUPPORTED'],
    ['for Windows nodes', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, 'POD_UNSUPPORTED'],
    ['with an init container named like ours', { initContainers: [container('sia-init')] }, 'INJECTION_COLLISION'],
    ['with a refresher of its own', { initContainers: [container('sia-refresh', { restartPolicy: 'Always' })] }, 'INJECTION_COLLISION'],
    ['with a container named like our init container', { containers: [container('main'), container('sia-init')] }, 'INJECTION_COLLISION'],
    ['with a container named like our refresher', { containers: [container('main'), container('sia-refresh')] }, 'INJECTION_COLLISION'],
    ['with another volume of our name', { volumes: [{ name: 'sia-identity', emptyDir: {} }] }, 'INJECTION_COLLISION'],
    ['whose volume for our files is none to write to', { volumes: [{ name: 'tlscerts', configMap: { name: 'x' } }] }, 'INJECTION_COLLISION'],
  ])('a pod %s is refused, and its maker told why (T25, T26)', async (_what, spec, reason) => {
    expect(await make({ spec })).toEqual({ kind: 'refused', status: 403, message: expect.stringContaining(reason) })
  })

  test.each<[string, (spec: MadeSpec) => object]>([
    ['the volume', ({ volumes }) => ({ volumes: volumes?.filter(({ name }) => name !== 'sia-identity') })],
    ['a volume for files', ({ volumes }) => ({ volumes: volumes?.filter(({ name }) => name !== 'tlscerts') })],
    ['the init container', ({ initContainers }) => ({ initContainers: initContainers?.slice(1) })],
    ['the refresher', ({ initContainers }) => ({ initContainers: initContainers?.slice(0, 1) })],
  ])('a pod that lacks %s of what is injected is refused (T25)', async (_what, without) => {
    const first = await injected()
    const outcome = await make({ spec: { ...first, ...without(first) } })
    // An API server that finds a mount of nothing says so itself.
    expect(outcome).toMatchObject({ kind: 'refused', message: expect.stringMatching(/INJECTION_COLLISION|Not found: "(sia-identity|tlscerts)"/) })
  })
}

const MOUNTS = '/var/run/secrets/kubernetes.io/serviceaccount'
const security = (securityContext: object) => () => ({ securityContext })
const mounting = (mount: object) => ({ volumeMounts = [] }: Item) => ({ volumeMounts: [...(volumeMounts as object[]), { name: 'ntoken', ...mount }] })

function lookAlikePromises(make: Make, injected: Injected): void {
  const changed = async (change: (it: Item) => object, at: number): Promise<Outcome> => {
    const first = await injected()
    return make({ spec: { ...first, initContainers: first.initContainers?.map((it, index) => (index === at ? { ...it, ...change(it) } : it)) } })
  }

  test.each<[string, (it: Item) => object]>([
    ['privileged', security({ privileged: true })],
    ['that may gain privileges', security({ allowPrivilegeEscalation: true })],
    ['with one more capability', security({ capabilities: { add: ['SYS_ADMIN'], drop: ['ALL'] } })],
    ['as root', security({ runAsUser: 0 })],
    ['without seccomp', security({ seccompProfile: { type: 'Unconfined' } })],
    ['with an unmasked /proc', security({ procMount: 'Unmasked' })],
    ['with another image', () => ({ image: 'images.test/evil:1' })],
    ['with our image under another tag', () => ({ image: 'local/k8s-athenz-sia:evil' })],
    ['with another command', () => ({ command: ['/bin/sh'] })],
    ['with one more argument', ({ args = [] }) => ({ args: [...(args as string[]), '--out-key=/tokens/key'] })],
    ['that loads a library', () => ({ env: [{ name: 'LD_PRELOAD', value: '/x.so' }] })],
    ['with variables from a secret', () => ({ envFrom: [{ secretRef: { name: 'x' } }] })],
    ['that runs something first', () => ({ lifecycle: { postStart: { exec: { command: ['sh'] } } }, restartPolicy: 'Always' })],
    ['with a shell', () => ({ stdin: true, tty: true })],
    ['with its program covered', mounting({ mountPath: '/usr/bin' })],
    ['with the identity covered', mounting({ mountPath: '/identity/connect' })],
    ['with a mount that takes a detour', mounting({ mountPath: '/own/../tls' })],
    ['with a port of the host', () => ({ ports: [{ containerPort: 22, hostPort: 22 }], restartPolicy: 'Always' })],
    ['whose key is shown in the status', () => ({ terminationMessagePath: '/tls/service.key' })],
    ['with an image that need not be pulled', () => ({ imagePullPolicy: 'Never' })],
    ['with less memory', () => ({ resources: { limits: { cpu: '1', memory: '6Mi' }, requests: { cpu: '100m', memory: '1Mi' } } })],
    ['that starts elsewhere', () => ({ workingDir: '/own' })],
  ])('a container that looks like ours, %s, is refused (T26)', async (_what, change) => {
    for (const at of [0, 1]) {
      const outcome = await changed(change, at)
      expect(outcome).toMatchObject({ kind: 'refused', message: expect.stringMatching(/INJECTION_COLLISION|is invalid/) })
    }
  })

  test('two mounts of a look-alike at one path are refused (T26)', async () => {
    expect(await changed(mounting({ mountPath: '/identity' }), 0)).toMatchObject({ kind: 'refused' })
  })

  test.each<[string, (it: Item) => object]>([
    ['fewer rights', security({ runAsNonRoot: true, runAsUser: 1_000, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } })],
    ['a pull policy that all must have', () => ({ imagePullPolicy: 'Always' })],
    ['one more limit', () => ({ resources: { limits: { cpu: 1, memory: '512Mi', 'ephemeral-storage': '1Gi' }, requests: { cpu: '0.1', memory: '64Mi' } } })],
    ['the token of the account, as the server mounts it', ({ volumeMounts = [] }) => ({ volumeMounts: (volumeMounts as { mountPath: string }[]).toSorted((a, b) => Number(b.mountPath === MOUNTS) - Number(a.mountPath === MOUNTS)) })],
  ])('what servers and others are known to add is left there: %s (T25)', async (_what, change) => {
    for (const at of [0, 1]) expectOnce(specOf(await changed(change, at)))
  })
}

const HOSTILE = ['../../etc/passwd', '/spec/containers/0', '~1spec~1containers', '$(HOME)', '`id`', "' || true || '", '{"op":"remove","path":"/spec"}', '\u0000\u2028', 'x'.repeat(60_000)]

function hostilePromises(make: Make): void {
  test.each(HOSTILE.map((value) => [value.slice(0, 40), value]))('an annotation that says %j changes nothing of what is injected (T26)', async (_shown, value) => {
    const note = { 'example.org/note': value, 'athenz.io/image': value, 'a.example/spec': value }
    const outcome = await make({ annotations: note })
    expectOnce(specOf(outcome))
    expect(outcome).toMatchObject({ metadata: { annotations: note } })
    if (value.length > 12) expect(JSON.stringify(specOf(outcome))).not.toContain(value)
  })

  test('a megabyte of annotation is refused, or kept and injected as any other: nothing breaks (T26, T46)', async () => {
    const outcome = await make({ annotations: { note: 'x'.repeat(1_048_576) } })
    if (outcome.kind === 'made') expectOnce(outcome.spec)
    else expect(outcome.message.length).toBeLessThan(1_000)
  })
}

function othersPromises(world: () => AdmissionWorld, injected: Injected, ephemeralContainers: boolean): void {
  test('an injector that puts its own before ours after us makes no second injection, and no refusal (T25)', async () => {
    await using _other = await world().reorder()
    const spec = await injected()
    expect(namesIn(spec.initContainers)).toEqual(['other-init', ...OURS])
    expect(namesIn(spec.volumes).filter((name) => name === 'sia-identity')).toHaveLength(1)
  })

  if (!ephemeralContainers) return
  test('a container for debugging is added to an injected pod without a word of ours (T25)', async () => {
    const { admin, namespace } = world()
    const outcome = await makePod(world(), { spec: { nodeSelector: { nowhere: 'yes' } } }, '')
    const { name } = outcome.kind === 'made' ? outcome.metadata : { name: '' }
    const debug = { name: 'debugger', image: 'images.test/tools:1', targetContainerName: 'main', terminationMessagePolicy: 'File' }
    const path = pathOf(PODS, { namespace, name })
    await admin.patch(`${path}/ephemeralcontainers`, { kind: 'json', patch: [{ op: 'add', path: '/spec/ephemeralContainers', value: [debug] }] })
    const after = (await admin.get(path))['spec'] as MadeSpec
    expectOnce(after)
    expect(after['ephemeralContainers']).toMatchObject([{ name: 'debugger' }])
    await admin.delete(path, { gracePeriodSeconds: 0 })
  })
}
