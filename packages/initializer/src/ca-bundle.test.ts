import * as fc from 'fast-check'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { BUNDLE_LIMIT, type BundleNeeds, planBundle } from './ca-bundle.ts'
import { makeServingPair } from './serving-pair.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2030-01-01T00:00:00Z')
const LIFE = 24 * HOUR

const authorityOf = async (pod: string, madeAt = NOW): Promise<string> =>
  (await makeServingPair({ names: ['web.apps.svc'], pod, lifeMs: LIFE, now: madeAt })).authority
const needing = (wanted: readonly string[], more: Partial<BundleNeeds> = {}): BundleNeeds => ({ wanted, retired: [], now: NOW, serverNow: more.now ?? NOW, lifeMs: LIFE, ...more })

function planned(bundle: string, needs: BundleNeeds) {
  const plan = planBundle(bundle, needs)
  if (plan.kind !== 'plan') throw new Error('the bundle is full')
  return plan
}

const [mine, next, other] = [await authorityOf('web-1'), await authorityOf('web-1', NOW + HOUR), await authorityOf('web-2')]
const foreign = (await TestCa.create({ name: 'of the operator', now: NOW - 400 * LIFE, lifeMs: LIFE })).certPem

test('an authority is added behind what is there, once', () => {
  const plan = planned(other, needing([mine]))
  expect(plan).toEqual({ kind: 'plan', bundle: other + mine, added: 1, removed: 0, entries: 2 })
  expect(planned(plan.bundle, needing([mine]))).toEqual({ ...plan, added: 0 })
  expect(planned('', needing([mine, next]))).toMatchObject({ bundle: mine + next, added: 2 })
})

test.each([
  ['lines end as on Windows', mine.replaceAll('\n', '\r\n')],
  ['lines are of another length', mine.replaceAll(/([A-Za-z0-9+/=]{32})/g, '$1\n')],
])('what is there is found there when its %s', (_what, text) => {
  expect(planned(other + text, needing([mine]))).toMatchObject({ bundle: other + text, added: 0 })
})

test('what is not of an initializer stays byte by byte, expired or not, also what is no certificate (T27)', () => {
  const odd = `# a remark\n\n${foreign.trimEnd()}\n-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\nrest`
  expect(planned(odd, needing([mine])).bundle).toBe(`${odd}\n${mine}`)
  expect(planned(odd, needing([], { formerOf: 'web-1', retired: [mine] })).bundle).toBe(odd)
})

test('what has expired goes, after the time that clocks may differ; what is about to expire stays (T27)', () => {
  expect(planned(other, needing([mine], { now: NOW + LIFE + 60_000 })).bundle).toBe(other + mine)
  expect(planned(other, needing([mine], { now: NOW + LIFE + 10 * 60_000 }))).toMatchObject({ bundle: mine, removed: 1 })
})

test('what a replica retires goes, and what it still wants does not, even where it says both', () => {
  expect(planned(mine + next + other, needing([next], { retired: [mine, next] })).bundle).toBe(next + other)
})

test('a replica that starts anew in its pod removes what it left there, and nothing of others (T27)', () => {
  expect(planned(mine + other, needing([next], { formerOf: 'web-1' })).bundle).toBe(other + next)
  expect(planned(mine + other, needing([next])).bundle).toBe(mine + other + next)
})

const many = await Promise.all(Array.from({ length: BUNDLE_LIMIT }, (_, index) => authorityOf(`web-${index + 10}`, NOW + index * 60_000)))

test('a bundle that is full of replicas that may live takes no more, and says so (T27)', () => {
  expect(planBundle(many.join(''), needing([mine], { now: NOW + 12 * HOUR }))).toEqual({ kind: 'full' })
  // What is there already needs no room.
  expect(planned(many.join(''), needing([many[0]!], { now: NOW + 12 * HOUR }))).toMatchObject({ added: 0, removed: 0 })
})

test('where there is no room, those go that would have been renewed long since, the oldest first, and no more than needed (T27)', () => {
  const late = NOW + 19 * HOUR
  expect(planned(many.join('') + foreign, needing([mine, next], { now: late }))).toEqual({
    kind: 'plan',
    bundle: many.slice(2).join('') + foreign + mine + next,
    added: 2,
    removed: 2,
    entries: BUNDLE_LIMIT + 1,
  })
  expect(planned(many.slice(2).join(''), needing([mine, next], { now: late }))).toMatchObject({ removed: 0 })
})

test('however often replicas come and go, the bundle holds no more than its limit (T27)', async () => {
  let bundle = foreign
  const plans = fc.asyncProperty(fc.nat(40 * 60), async (minutes) => {
    const now = NOW + minutes * 60_000
    const wanted = [await authorityOf(`web-${minutes}`, now)]
    const plan = planBundle(bundle, needing(wanted, { now }))
    if (plan.kind === 'plan') bundle = plan.bundle
    expect(bundle.match(/BEGIN CERTIFICATE/g)!.length).toBeLessThanOrEqual(BUNDLE_LIMIT + 1)
    expect(bundle.startsWith(foreign)).toBe(true)
  })
  await fc.assert(plans, { numRuns: 2 * BUNDLE_LIMIT })
}, 30_000)

test('any text is a bundle, and keeps what it says (T44)', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      expect(planned(text, needing([mine])).bundle.startsWith(text)).toBe(true)
    }),
  )
})

test.each([
  ['fast', { now: NOW + 25 * HOUR, serverNow: NOW + HOUR }],
  ['slow, and the other one fast', { now: NOW + HOUR, serverNow: NOW + 25 * HOUR }],
  ['compared with none', { now: NOW + 25 * HOUR, serverNow: undefined }],
])('a clock that is %s removes nobody: what has expired has done so by both (T27)', (_what, times) => {
  expect(planned(other, needing([mine], times))).toMatchObject({ bundle: other + mine, removed: 0 })
  // Nor does it make room.
  expect(planBundle(many.join(''), needing([mine], times))).toEqual({ kind: 'full' })
})

test('authorities that would live for longer than any replica is told to stop nobody from being added (T27)', async () => {
  const forged = await Promise.all(Array.from({ length: BUNDLE_LIMIT }, async (_, index) => (await makeServingPair({ names: ['web.apps.svc'], pod: `x-${index}`, lifeMs: 300 * LIFE, now: NOW })).authority))
  const plan = planned(forged.join('') + foreign, needing([mine, next]))
  expect(plan).toMatchObject({ added: 2, removed: 2, entries: BUNDLE_LIMIT + 1 })
  expect(plan.bundle.endsWith(foreign + mine + next)).toBe(true)
  // While there is room they harm nobody.
  expect(planned(forged.slice(2).join(''), needing([mine, next]))).toMatchObject({ removed: 0 })
  // By whichever clock: one that is slow throws nobody out.
  const slow = { now: NOW - 2 * LIFE, serverNow: NOW + HOUR }
  expect(planBundle(many.join(''), needing([mine], slow))).toEqual({ kind: 'full' })
})
