import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { imageName } from './image-name.ts'
import { parseTemplates } from './templates.ts'
import { initConfig, served, TRIGGER } from './testing/init-config.ts'
import { asking, CONTAINER, EVERY_POD, type Item, names, NATIVE, patched, podWith, run, TEMPLATES, type TestPod } from './testing/injecting.ts'

test('the volume comes first, the init container first, the refresher as native sidecar right after it (C10, W37)', () => {
  const pod = podWith({ volumes: [{ name: 'data', emptyDir: {} }], initContainers: [{ name: 'migrate', image: 'm' }] })
  const { spec } = patched(pod)
  expect(names(spec.volumes)).toEqual(['sia-identity', 'data', 'ntoken', 'tlscerts'])
  expect(names(spec.initContainers)).toEqual(['sia-init', 'sia-refresh', 'migrate'])
  expect(names(spec.containers)).toEqual(['app'])
  expect(spec.initContainers?.map(({ restartPolicy }) => restartPolicy)).toEqual([undefined, 'Always', undefined])
  expect(spec.volumes?.[2]).toEqual({ name: 'ntoken', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } })
})

test('as one more container the refresher comes before the others, as in the original (C10)', () => {
  const { spec } = patched(podWith(), CONTAINER)
  expect(names(spec.initContainers)).toEqual(['sia-init'])
  expect(names(spec.containers)).toEqual(['sia-refresh', 'app'])
  expect(spec.containers[0]).not.toHaveProperty('restartPolicy')
})

test.each<[string, Partial<TestPod['spec']>]>([
  ['absent', {}],
  ['null', { volumes: null, initContainers: null }],
  ['empty', { volumes: [], initContainers: [] }],
])('lists that are %s are made', (_what, spec) => {
  expect(names(patched(podWith(spec)).spec.volumes)).toEqual(['sia-identity', 'ntoken', 'tlscerts'])
})

test.each<[string, TestPod['metadata']]>([
  ['no annotations', {}],
  ['no as its answer', { annotations: { [TRIGGER]: 'false' } }],
  ['another annotation', { annotations: { other: 'true' } }],
])('a pod with %s is left alone', (_what, metadata) => {
  expect(run(podWith({}, metadata))).toEqual({ kind: 'untouched' })
})

test.each(['True', 'true ', '', '1', '../../etc/passwd', '$(id)', '"},{"op":"remove","path":"/spec"', '~0~1', 'x'.repeat(1_048_576)])(
  'the annotation with another value injects nothing, says so, and is not repeated (T26): %.30s',
  (value) => {
    const skipped = `the pod gets no athenz identity: ${TRIGGER} is not "true"`
    expect(run(podWith({}, { annotations: { [TRIGGER]: value } }))).toEqual({ kind: 'untouched', skipped })
  },
)

test('a trigger named like an inherited field needs the annotation all the same', () => {
  const templates = parseTemplates(initConfig({ annotationTrigger: 'constructor' }))
  expect(run(podWith({}, { annotations: {} }), NATIVE, templates)).toEqual({ kind: 'untouched' })
})

test('without a trigger every pod is injected (C10)', () => {
  expect(run(podWith({}, {}), NATIVE, EVERY_POD).kind).toBe('patched')
})

test('nothing of a pod enters what is injected (T26)', () => {
  const hostile = { annotations: { [TRIGGER]: 'true', 'x/image': 'evil:1', __proto__: 'evil', 'a~1b': '${name}' } }
  const plain = run(podWith())
  expect(run(podWith({ serviceAccountName: '"evil' }, { ...hostile, generateName: 'evil-' }))).toEqual(plain)
})

test.each([NATIVE, CONTAINER])('a second look changes nothing, whatever the server filled in (T25): %o', (rules) => {
  expect(run(served(patched(podWith(), rules)), rules)).toEqual({ kind: 'untouched' })
})

test('a scratch volume of the pod is shared when it is an emptyDir (C10)', () => {
  const own = { name: 'tlscerts', emptyDir: { medium: 'Memory' } }
  const { spec } = patched(podWith({ volumes: [own] }))
  expect(names(spec.volumes)).toEqual(['sia-identity', 'tlscerts', 'ntoken'])
  expect(spec.volumes?.[1]).toEqual(own)
})

const whole = patched(podWith())
const change = (make: (spec: TestPod['spec']) => void): TestPod => {
  const pod = structuredClone(whole)
  make(pod.spec)
  return pod
}
const initOf = (spec: TestPod['spec']): Item => spec.initContainers![0]!

test.each<[string, TestPod, RegExp]>([
  ['a volume of our name', podWith({ volumes: [{ name: 'sia-identity', hostPath: { path: '/' } }] }), /^volume "sia-identity" differs/],
  ['a container of our name', podWith({ containers: [{ name: 'sia-init', image: 'x' }] }), /^container "sia-init" differs/],
  ['a scratch volume of another kind', podWith({ volumes: [{ name: 'ntoken', hostPath: { path: '/' } }] }), /^volume "ntoken" must be an emptyDir/],
  ['two collisions, both told', podWith({ volumes: [{ name: 'sia-identity' }, { name: 'ntoken' }] }), /"sia-identity" differs.*; volume "ntoken" must/],
  ['our volume without our containers', change((it) => void (it.initContainers = [])), /in part: it lacks container "sia-init", container "sia-refresh"/],
  ['our containers without a scratch volume', change((it) => void it.volumes!.pop()), /in part: it lacks volume "tlscerts"/],
  ['another command', change((it) => void (initOf(it)['command'] = ['/bin/sh'])), /^container "sia-init" differs/],
  ['one more argument', change((it) => void (initOf(it)['args'] as string[]).push('--x')), /^container "sia-init" differs/],
  ['another image', change((it) => void (initOf(it)['image'] = 'evil')), /^container "sia-init" differs/],
  ['a hook of its own', change((it) => void (initOf(it)['lifecycle'] = { preStop: {} })), /^container "sia-init" differs/],
  ['other limits', change((it) => void (initOf(it)['resources'] = { limits: { cpu: '2', memory: '512Mi' }, requests: {} })), /^container "sia-init" differs/],
  ['a mount elsewhere', change((it) => void (initOf(it)['volumeMounts'] = [])), /^container "sia-init" differs/],
  ['a refresher that is no sidecar', change((it) => void delete it.initContainers![1]!['restartPolicy']), /^container "sia-refresh" differs/],
  ['our container twice', change((it) => void it.containers.push(initOf(it))), /^container "sia-init" differs/],
  ['our container in the other list', change((it) => void it.containers.push(it.initContainers!.pop()!)), /^container "sia-refresh" differs/],
  ['options of its own in our volume', change((it) => void (it.volumes![0]!['readOnly'] = true)), /^volume "sia-identity" differs/],
])('%s is refused with a message that says what is in the way (W36, T25)', (_what, pod, message) => {
  expect(run(pod)).toEqual({ kind: 'refused', reason: 'INJECTION_COLLISION', message: expect.stringMatching(message) })
})

test.each<[string, Partial<TestPod['spec']>, string]>([
  ['on its host network', { hostNetwork: true }, 'HOST_NETWORK_REFUSED'],
  ['of windows', { os: { name: 'windows' } }, 'POD_UNSUPPORTED'],
  ['for windows nodes', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, 'POD_UNSUPPORTED'],
])('a pod %s is refused when it asks, and skipped with a warning when nobody asked (T25)', (_what, spec, reason) => {
  expect(run(podWith(spec))).toMatchObject({ kind: 'refused', reason })
  expect(run(podWith(spec, {}), NATIVE, EVERY_POD)).toMatchObject({ kind: 'untouched', skipped: expect.any(String) })
})

test('a pod on its host network is injected where the policy lets it', () => {
  expect(run(podWith({ hostNetwork: true }), { ...NATIVE, hostNetwork: 'no-ip' }).kind).toBe('patched')
})

const REMOVING = parseTemplates(initConfig({ removeImages: ['r:5000/old-sia', 'local/k8s-athenz-sia'] }))

const item = (source: fc.Arbitrary<object>): fc.Arbitrary<Item[]> =>
  fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'sia-init', 'sia-refresh', 'sia-identity', 'tlscerts', 'app'), source), {
    selector: ([name]) => name,
    maxLength: 4,
  }).map((all) => all.map(([name, rest]) => ({ ...rest, name })))
const containers = item(fc.record({ image: fc.constantFrom('app:1', 'r:5000/old-sia:v1', 'local/k8s-athenz-sia:latest'), env: fc.constant([]) }))
const volumes = item(fc.constantFrom({ emptyDir: {} }, { hostPath: { path: '/' } }))
const pods: fc.Arbitrary<TestPod> = fc.record({
  metadata: fc.constantFrom<TestPod['metadata']>(asking, { ...asking, generateName: 'x-', labels: { 'a/b~c': '1' } }, {}),
  spec: fc.record(
    { volumes: fc.option(volumes), initContainers: fc.option(containers), containers, hostname: fc.constant('h'), tolerations: fc.constant([{}]) },
    { requiredKeys: ['containers'] },
  ),
})

test.each([NATIVE, CONTAINER])('whatever the pod, its own parts are kept in order, and a second look finds nothing to do (T25): %o', (rules) => {
  let injected = 0
  fc.assert(
    fc.property(pods, fc.constantFrom(TEMPLATES, EVERY_POD, REMOVING), (pod, templates) => {
      const before = structuredClone(pod)
      const result = run(pod, rules, templates)
      expect(pod).toEqual(before)
      if (result.kind !== 'patched') return
      injected++
      const after = patched(pod, rules, templates)
      const { volumes: _v, initContainers: _i, containers: _c, ...others } = after.spec
      expect({ ...pod.spec, ...others }).toEqual(pod.spec)
      expect(after.metadata).toEqual(pod.metadata)
      const isKept = ({ image }: Item) => typeof image !== 'string' || !templates.removeImages.includes(imageName(image))
      for (const list of ['volumes', 'initContainers', 'containers'] as const) {
        const theirs = (pod.spec[list] ?? []).filter(isKept)
        expect(after.spec[list]?.filter((it) => theirs.some((own) => own.name === it.name)) ?? []).toEqual(theirs)
        expect(new Set(names(after.spec[list])).size).toBe(names(after.spec[list]).length)
      }
      expect(run(after, rules, templates)).toEqual({ kind: 'untouched' })
      expect(run(served(after), rules, templates)).toEqual({ kind: 'untouched' })
    }),
    { numRuns: 500 },
  )
  expect(injected).toBeGreaterThan(20)
})
