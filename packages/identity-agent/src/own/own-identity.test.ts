import { FakeClock } from '@pallas/host/testing'
import { IdentityError } from '@pallas/identity'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import type { TlsFiles } from '@pallas/service'
import { readCertificate } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import type { OwnCredentials } from './obtain.ts'
import { createOwnEvents } from './own-events.ts'
import { keepOwnIdentity } from './own-identity.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const BEGUN = Date.parse('2030-01-01T00:00:00Z')
const UID = '6f2c6a6e-0a3c-4b38-9a0a-3a7c1d1e2f01'
const OTHER = '00000000-0a3c-4b38-9a0a-3a7c1d1e2f01'
const dnsOf = (uid: string) => [`${uid}.instanceid.athenz.svc.cluster.local`]

const claims = { 'kubernetes.io': { namespace: 'k8s-admin', pod: { name: 'agent-x', uid: UID } } }
const TOKEN = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AA`

interface Disk {
  readonly uid: string
  readonly ageMs: number
}

interface Case {
  readonly onDisk?: Disk
  /** By the number of the attempt, from 1. */
  readonly fails?: (attempt: number) => Error | undefined
  readonly isTrusted?: boolean
  readonly token?: string
}

async function open({ onDisk, fails = () => undefined, isTrusted = true, token = TOKEN }: Case) {
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const ca = await TestCa.create({ now: BEGUN - DAY })
  const log = memoryLog()
  const metrics = testMetrics()
  const attempts: number[] = []
  let saved: OwnCredentials | undefined
  let firsts = 0

  async function issue(uid: string, notBefore: number): Promise<OwnCredentials> {
    const { certPem, keyPem } = await ca.issue({ commonName: 'k8s.admin.agent', dns: dnsOf(uid), notBefore, lifeMs: DAY })
    return { certPem, keyPem, leaf: readCertificate(certPem) }
  }

  /** As `openTlsFiles`: takes what lies there at the start and at each reload. */
  function tlsOf(first: OwnCredentials): TlsFiles {
    let current = first
    return {
      current: () => ({ key: current.keyPem, cert: current.certPem, ca: [] }),
      notAfter: () => current.leaf.notAfter,
      onChange: () => () => undefined,
      isUnusable: () => false,
      reload: async () => {
        current = saved ?? current
      },
      [Symbol.asyncDispose]: async () => undefined,
    }
  }

  if (onDisk !== undefined) saved = await issue(onDisk.uid, BEGUN - onDisk.ageMs)
  let tls: TlsFiles | undefined
  const identity = await keepOwnIdentity({
    obtain: async () => {
      attempts.push(clock.now() - BEGUN)
      const error = fails(attempts.length)
      if (error !== undefined) throw error
      return issue(UID, clock.now())
    },
    files: {
      save: async (credentials) => {
        saved = credentials
      },
    },
    open: async () => {
      if (saved === undefined || saved.leaf.notAfter <= clock.now()) throw new Error('nothing that can be used')
      return tlsOf(saved)
    },
    onFirst: (it) => {
      tls = it
      firsts++
    },
    token: async () => token,
    dnsSuffix: () => 'svc.cluster.local',
    check: { trusted: async () => isTrusted },
    clock,
    events: createOwnEvents({ log: log.log, metrics }),
  })
  const serial = () => (tls === undefined ? undefined : readCertificate(tls.current().cert).serial)
  return { clock, identity, attempts, log, metrics, serial, firsts: () => firsts, dispose: () => identity[Symbol.asyncDispose]() }
}

const denied = new IdentityError('TOKEN_ACCOUNT', 'no')
const away = new IdentityError('ISSUER_UNAVAILABLE', 'not now')

/** Long enough for what is asked for at once to be there, and not for anything that waits. */
const settle = (clock: FakeClock) => clock.advance(0)

describe('an agent', () => {
  test('gets a certificate at once, and a new one within the middle of its life, on the same connections', async () => {
    const it = await open({})
    expect(it.identity.problem()).toBe('no certificate of its own yet')
    await it.clock.advance(1)
    expect(it.identity.problem()).toBeUndefined()
    const first = it.serial()
    await it.clock.advance(0.24 * DAY)
    expect(it.attempts).toHaveLength(1)
    await it.clock.advance(0.52 * DAY)
    expect(it.attempts).toHaveLength(2)
    expect([it.serial() === first, it.firsts()]).toEqual([false, 1])
    await it.dispose()
  })

  test('is ready in an outage with what its container of before has left, and renews when that is due', async () => {
    const it = await open({ onDisk: { uid: UID, ageMs: HOUR }, fails: (n) => (n < 3 ? away : undefined) })
    await settle(it.clock)
    expect(it.identity.problem()).toBeUndefined()
    expect(it.attempts).toEqual([])
    await it.clock.advance(DAY)
    expect(it.identity.problem()).toBeUndefined()
    expect(it.attempts.length).toBeGreaterThanOrEqual(3)
    await it.dispose()
  })

  test.each<[string, Case]>([
    ['belongs to another pod', { onDisk: { uid: OTHER, ageMs: HOUR } }],
    ['has expired', { onDisk: { uid: UID, ageMs: 25 * HOUR } }],
    ['does not lead to a root', { onDisk: { uid: UID, ageMs: HOUR }, isTrusted: false }],
    ['nobody can say whose it is', { onDisk: { uid: UID, ageMs: HOUR }, token: 'nonsense' }],
  ])('does not take what lies there when it %s', async (_name, given) => {
    const it = await open({ ...given, fails: () => away })
    await settle(it.clock)
    expect(it.identity.problem()).toMatch(/^no certificate of its own yet/)
    await it.dispose()
  })

  test('is not ready without one, says why, and tries again until there is one', async () => {
    const it = await open({ fails: (n) => (n < 4 ? away : undefined) })
    await it.clock.advance(1)
    expect(it.identity.problem()).toBe('no certificate of its own yet: ISSUER_UNAVAILABLE')
    await it.clock.advance(5 * MINUTE)
    expect(it.attempts).toHaveLength(4)
    expect(it.identity.problem()).toBeUndefined()
    expect(await it.metrics.value('own_identity_attempts_total', { code: 'ISSUER_UNAVAILABLE' })).toBe(3)
    expect(await it.metrics.value('own_identity_attempts_total', { code: 'OK' })).toBe(1)
    await it.dispose()
  })

  test('that is denied tries again slowly: the cause may end', async () => {
    const it = await open({ fails: (n) => (n < 3 ? denied : undefined) })
    await it.clock.advance(59_000)
    expect(it.attempts).toEqual([0])
    expect(it.identity.problem()).toBe('no certificate of its own yet: TOKEN_ACCOUNT')
    expect(it.log.records).toContainEqual(expect.objectContaining({ level: 'error', reason: 'TOKEN_ACCOUNT' }))
    await it.clock.advance(5 * MINUTE)
    expect(it.identity.problem()).toBeUndefined()
    await it.dispose()
  })

  test('stays ready while no new one can be had, until the old one has expired, and is ready again after the outage', async () => {
    let isAway = false
    const it = await open({ fails: () => (isAway ? away : undefined) })
    await it.clock.advance(1)
    isAway = true
    await it.clock.advance(DAY - HOUR)
    expect(it.identity.problem()).toBeUndefined()
    await it.clock.advance(2 * HOUR)
    expect(it.identity.problem()).toBe('own certificate has expired: ISSUER_UNAVAILABLE')
    isAway = false
    await it.clock.advance(5 * MINUTE)
    expect(it.identity.problem()).toBeUndefined()
    await it.dispose()
  })
})
