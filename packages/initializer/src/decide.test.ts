/** Replicas that learn of new templates one after the other (W37), and who would use that (T26). */
import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { decide } from './decide.ts'
import { podPartsOf } from './pod.ts'
import { GRACE_MS, openTemplateSource, PAUSE_MS, REFRESH_MS } from './template-source.ts'
import { parseTemplates } from './templates.ts'
import { asking, NATIVE, patched, podWith, type TestPod } from './testing/injecting.ts'
import { initConfig, served } from './testing/init-config.ts'

const SYNC_MS = 60_000
const NONE = { templatesRead: () => undefined, templatesKept: () => undefined }

const container = (name: string, version: string) => ({ name, image: `sia:${version}`, volumeMounts: [{ name: 'sia-identity', mountPath: '/identity' }] })
const generation = (version: string, changes: object = {}): string =>
  initConfig({ initTemplate: container('sia-init', version), refreshTemplate: container('sia-refresh', version), ...changes })
const [OLD, NEW] = [generation('1'), generation('2')]
/** A pod that was injected by these, as the server shows it afterwards. */
const by = (text: string): TestPod => served(patched(podWith(), NATIVE, parseTemplates(text)))

/** A replica that has read `first`, and counts how often it looks. */
async function replica(first: string) {
  const clock = new FakeClock()
  const map = { read: async (_signal?: AbortSignal) => first, looks: 0 }
  const readConfigMap = (signal?: AbortSignal) => (map.looks++, map.read(signal))
  const source = await openTemplateSource({ readConfigMap, clock, syncMs: SYNC_MS, events: NONE })
  map.looks = 0
  const judge = (pod: TestPod) => decide({ ...podPartsOf(pod), hasPrototypeKeys: false }, source, NATIVE)
  const change = (text: string) => void (map.read = async () => text)
  /** Also where it has to wait. */
  const judged = async (pod: TestPod) => {
    const judging = judge(pod)
    await clock.advance(PAUSE_MS)
    return judging
  }
  return { clock, map, judge, judged, change, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() }
}

const REFUSED = { kind: 'refused', reason: 'INJECTION_COLLISION' }
const UNTOUCHED = { kind: 'untouched' }

test('a pod of newer templates than this replica knows is taken for injected, and so is the next, with no more looks (W37, T25)', async () => {
  await using it = await replica(OLD)
  it.change(NEW)
  expect(await it.judged(by(NEW))).toEqual(UNTOUCHED)
  expect(await it.judged(by(NEW))).toEqual(UNTOUCHED)
  expect(await it.judged(by(OLD))).toEqual(UNTOUCHED)
  expect(it.map.looks).toBe(1)
})

test('a pod of older templates is taken for injected while others may know no better, and no longer (W37, T25)', async () => {
  await using it = await replica(OLD)
  it.change(NEW)
  await it.clock.advance(SYNC_MS)
  expect(await it.judged(by(OLD))).toEqual(UNTOUCHED)
  expect(patched(podWith(), NATIVE, parseTemplates(NEW)).spec.initContainers?.[0]).toMatchObject({ image: 'sia:2' })
  expect(await it.judge(podWith())).toMatchObject({ kind: 'patched', patch: expect.arrayContaining([expect.objectContaining({ path: '/spec/initContainers' })]) })
  await it.clock.advance(GRACE_MS - PAUSE_MS - 1)
  expect(await it.judge(by(OLD))).toEqual(UNTOUCHED)
  await it.clock.advance(1 + PAUSE_MS)
  expect(await it.judged(by(OLD))).toMatchObject(REFUSED)
})

test('an outage between two looks at the same templates is no other generation', async () => {
  await using it = await replica(OLD)
  it.map.read = () => Promise.reject(new Error('no answer'))
  await it.clock.advance(SYNC_MS)
  it.change(OLD)
  await it.clock.advance(SYNC_MS)
  it.change(NEW)
  await it.clock.advance(SYNC_MS)
  expect(await it.judged(by(OLD))).toEqual(UNTOUCHED)
})

const mixed = (): TestPod => {
  const [old, now] = [by(OLD), by(NEW)]
  return { ...now, spec: { ...now.spec, initContainers: [old.spec.initContainers![0]!, now.spec.initContainers![1]!] } }
}
const changed = (change: (init: Record<string, unknown>) => void): TestPod => {
  const pod = by(OLD)
  change(pod.spec.initContainers![0]!)
  return pod
}
const lacking = (): TestPod => {
  const pod = by(OLD)
  return { ...pod, spec: { ...pod.spec, initContainers: pod.spec.initContainers!.slice(0, 1) } }
}

test.each<[string, () => TestPod]>([
  ['one part of each', mixed],
  ['the older parts, one of them with more rights', () => changed((init) => void (init['securityContext'] = { privileged: true }))],
  ['the older parts, one of them with a variable', () => changed((init) => void (init['env'] = [{ name: 'LD_PRELOAD', value: '/x' }]))],
  ['the older parts but one', lacking],
  ['parts of a third generation', () => by(generation('3'))],
])('while templates change, a pod with %s is refused as ever (T26)', async (_what, pod) => {
  await using it = await replica(OLD)
  it.change(NEW)
  await it.clock.advance(SYNC_MS)
  expect(await it.judged(pod())).toMatchObject(REFUSED)
})

test('what older templates had another trigger for is not taken for injected by that (T26)', async () => {
  await using it = await replica(generation('1', { annotationTrigger: 'other.example/athenz' }))
  it.change(NEW)
  await it.clock.advance(SYNC_MS)
  const pod = { ...by(OLD), metadata: asking }
  expect(await it.judged(pod)).toMatchObject(REFUSED)
})

test('many that collide at once share two looks: one that had begun, and one that began after all of them', async () => {
  await using it = await replica(OLD)
  const answer = Promise.withResolvers<string>()
  it.map.read = () => answer.promise
  const first = it.judge(by(NEW))
  await it.clock.advance(0)
  const others = Array.from({ length: 50 }, () => it.judge(by(NEW)))
  await it.clock.advance(0)
  expect(it.map.looks).toBe(1)
  // It was asked too early.
  answer.resolve(OLD)
  it.change(NEW)
  expect(await first).toMatchObject(REFUSED)
  await it.clock.advance(PAUSE_MS)
  expect(await Promise.all(others)).toEqual(others.map(() => UNTOUCHED))
  expect(it.map.looks).toBe(2)
})

const silence = (signal?: AbortSignal) => new Promise<string>((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('ended'))))

test.each<[string, (signal?: AbortSignal) => Promise<string>]>([
  ['says nothing', silence],
  ['refuses', () => Promise.reject(new Error('no'))],
  ['has templates that cannot be used', async () => 'name: broken'],
])('where the API server %s the answer comes in time, by what is known (T28)', async (_what, read) => {
  await using it = await replica(OLD)
  it.map.read = read
  const judging = it.judge(by(NEW))
  await it.clock.advance(REFRESH_MS)
  expect(await judging).toMatchObject(REFUSED)
  expect(await it.judge(by(OLD))).toEqual(UNTOUCHED)
})
