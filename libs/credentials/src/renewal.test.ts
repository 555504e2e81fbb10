import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Lifetime, lifetimeOf, napBefore, renewAt, renewalFor } from './renewal.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const life = { notBefore: 1_000 * DAY, notAfter: 1_001 * DAY }
const share = (at: number, of: Lifetime = life) => (at - of.notBefore) / (of.notAfter - of.notBefore)

describe('the time of renewal', () => {
  test('of a first certificate is between 25 and 75 % of life, all of it used', () => {
    expect(share(renewAt(life, { first: true }, 0))).toBeCloseTo(0.25)
    expect(share(renewAt(life, { first: true }, 0.5))).toBeCloseTo(0.5)
    expect(share(renewAt(life, { first: true }, 0.999_999))).toBeCloseTo(0.75)
  })

  test('of a later one is at half of life, ten hundredths of it to either side', () => {
    expect(share(renewAt(life, { first: false }, 0))).toBeCloseTo(0.4)
    expect(share(renewAt(life, { first: false }, 0.999_999))).toBeCloseTo(0.6)
  })

  test('is never outside life, never later than the upper bound, and never the same for a whole fleet', () => {
    const anyLife = fc.record({ from: fc.nat(2_000_000_000), length: fc.integer({ min: 100, max: 400 * DAY }) })
    const issue = fc.record({ first: fc.boolean(), maxIntervalMs: fc.integer({ min: 100, max: 500 * DAY }) })
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(anyLife, issue, draw, ({ from, length }, how, random) => {
        const it = { notBefore: from, notAfter: from + length }
        const at = renewAt(it, how, random)
        expect(at).toBeGreaterThanOrEqual(it.notBefore)
        expect(at).toBeLessThanOrEqual(Math.ceil(it.notBefore + 0.75 * length))
        expect(at).toBeLessThanOrEqual(it.notBefore + how.maxIntervalMs)
        const width = renewAt(it, how, 1) - renewAt(it, how, 0)
        expect(width).toBeGreaterThanOrEqual(Math.floor(0.19 * Math.min(length * 0.6, how.maxIntervalMs)) - 1)
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps to an upper bound below half of life, spread over a fifth of it', () => {
    const issue = { first: false, maxIntervalMs: HOUR }
    expect(renewAt(life, issue, 0) - life.notBefore).toBe(0.8 * HOUR)
    expect(renewAt(life, issue, 0.999_999_999) - life.notBefore).toBe(HOUR)
  })

  test('of a first certificate under an upper bound is anywhere from a tenth of the bound on', () => {
    const issue = { first: true, maxIntervalMs: HOUR, since: life.notBefore + 2 * HOUR }
    expect(renewAt(life, issue, 0) - issue.since).toBe(0.1 * HOUR)
    expect(renewAt(life, issue, 0.999_999_999) - issue.since).toBe(HOUR)
  })

  test('counts the upper bound from the issue, not from a beginning that the issuer set back', () => {
    const issue = { first: false, maxIntervalMs: HOUR, since: life.notBefore + 2 * HOUR }
    expect(renewAt(life, issue, 0) - issue.since).toBe(0.8 * HOUR)
    expect(renewAt(life, issue, 0.999_999_999) - issue.since).toBe(HOUR)
  })

  test('does not mind an upper bound beyond the window', () => {
    expect(renewAt(life, { first: false, maxIntervalMs: DAY }, 0.3)).toBe(renewAt(life, { first: false }, 0.3))
  })
})

test('a time is drawn once for each serial', () => {
  let draws = 0
  const random = () => ++draws / 10
  const issue = { first: true }
  const first = renewalFor(undefined, { serial: 'AA', life, issue, random })
  expect(renewalFor(first, { serial: 'AA', life, issue, random })).toBe(first)
  expect(draws).toBe(1)
  const second = renewalFor(first, { serial: 'BB', life, issue: { first: false }, random })
  expect(second.serial).toBe('BB')
  expect(draws).toBe(2)
})

test('the life of a set is that of the member which ends first', () => {
  const token = { notBefore: life.notBefore + HOUR, notAfter: life.notBefore + 3 * HOUR }
  expect(lifetimeOf([life, token])).toBe(token)
  expect(lifetimeOf([token, life])).toBe(token)
  expect(lifetimeOf([life])).toBe(life)
  expect(() => lifetimeOf([])).toThrow(TypeError)
})

describe('the nap before a renewal', () => {
  const state = { serial: 'AA', at: life.notBefore + 10 * HOUR }
  const nap = (now: number, waitedMs = 0) => napBefore(state, life, { now, waitedMs })

  test.each([
    ['is a minute at most', life.notBefore, 60_000],
    ['is what is left', state.at - 5_000, 5_000],
    ['is none when the time has come', state.at, 0],
    ['is none after a suspend over the time', state.at + HOUR, 0],
    ['is none when all has expired', life.notAfter, 0],
    ['is none when a clock jumped two years ahead', life.notBefore + 730 * DAY, 0],
    ['is a minute when a clock jumped two years back', life.notBefore - 730 * DAY, 60_000],
  ])('%s', (_what, now, ms) => {
    expect(nap(now)).toBe(ms)
  })

  test('a clock that went back cannot put a renewal off: ten hours are ten hours', () => {
    expect(nap(life.notBefore - 730 * DAY, 10 * HOUR - 1_000)).toBe(1_000)
    expect(nap(life.notBefore - 730 * DAY, 10 * HOUR)).toBe(0)
  })
})
