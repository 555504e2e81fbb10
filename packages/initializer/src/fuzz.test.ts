/** Whatever stands in a review: an answer or `BODY_INVALID`, at once, and nothing else (T44). */
import { IdentityError } from '@pallas/identity'
import { isKubernetesError, parseAdmissionReview } from '@pallas/kubernetes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { podPartsOf } from './pod.ts'
import { TRIGGER } from './testing/init-config.ts'
import { CONTAINER, EVERY_POD, names, NATIVE, patched, podWith, run, TEMPLATES, type TestPod } from './testing/injecting.ts'
import { REVIEW_UID, reviewOf } from './testing/webhook.ts'

const anything = fc.jsonValue({ maxDepth: 3 })
const ours = patched(podWith()).spec

/** Something like one of our parts, with anything in the place of some of its fields. */
const likeOurs = (part: object) =>
  fc.subarray(Object.keys(part)).chain((keys) =>
    fc.tuple(...keys.map(() => anything)).map((values) => ({ ...part, ...Object.fromEntries(keys.map((key, index) => [key, values[index]])) })),
  )
const item = fc.oneof(anything, fc.record({ name: fc.string(), image: anything }), ...[...ours.volumes!, ...ours.initContainers!].map(likeOurs))
const containers = fc.array(fc.record({ name: fc.string(), image: anything }), { minLength: 1, maxLength: 3 })
const list = fc.oneof({ weight: 1, arbitrary: anything }, { weight: 2, arbitrary: fc.array(item, { maxLength: 4 }) }, { weight: 3, arbitrary: containers })
const spec = fc.record(
  { volumes: list, initContainers: list, containers: list, os: anything, nodeSelector: anything, hostNetwork: anything },
  { requiredKeys: ['containers'] },
)
const object = fc.record(
  {
    metadata: fc.oneof(anything, fc.constant({ annotations: { [TRIGGER]: 'true' } }), fc.record({ annotations: anything })),
    spec: fc.oneof({ weight: 1, arbitrary: anything }, { weight: 6, arbitrary: spec }),
  },
  { requiredKeys: [] },
)

test('any object is decided on, or is no pod (T44)', () => {
  const kinds = new Map<string, number>()
  const property = fc.property(object, fc.constantFrom(TEMPLATES, EVERY_POD), fc.constantFrom(NATIVE, CONTAINER), (pod, templates, rules) => {
    let kind: string
    try {
      podPartsOf(pod)
      kind = run(pod as unknown as TestPod, rules, templates).kind
    } catch (error) {
      if (!(error instanceof IdentityError) || error.code !== 'BODY_INVALID') throw error
      kind = error.code
    }
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    if (kind !== 'patched') return
    const after = patched(pod as unknown as TestPod, rules, templates).spec
    const all = [...names(after.initContainers), ...names(after.containers)]
    for (const name of ['sia-init', 'sia-refresh']) expect(all.filter((it) => it === name)).toEqual([name])
  })
  fc.assert(property, { numRuns: 5_000 })
  expect([...kinds.keys()].toSorted()).toEqual(['BODY_INVALID', 'patched', 'refused', 'untouched'])
})

test('any body is a review, or is told to be none (T44)', () => {
  const review = reviewOf({})
  const orAnything = <T>(value: T) => fc.oneof(anything, fc.constant(value))
  const whole = { apiVersion: orAnything(review.apiVersion), kind: orAnything(review.kind), request: likeOurs(review.request) }
  const body = fc.oneof(anything, fc.record(whole))
  let read = 0
  const property = fc.property(body, (it) => {
    try {
      parseAdmissionReview(it)
      read++
    } catch (error) {
      expect(isKubernetesError(error, 'KUBE_BAD_REVIEW')).toBe(true)
    }
  })
  fc.assert(property, { numRuns: 5_000 })
  expect(read).toBeGreaterThan(0)
  expect(parseAdmissionReview(review).uid).toBe(REVIEW_UID)
})
