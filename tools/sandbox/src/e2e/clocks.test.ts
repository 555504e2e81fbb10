/**
 * Clocks that are wrong. The programs' own clock is set by a preload, OpenSSL asks the kernel: handshakes go by the true
 * time throughout, so what a peer would say of a certificate from the future is not shown here.
 *
 * Node's home alone: no other clock can be set wrong.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { credentialsOf, eventually, launch, request, serialOf } from '@pallas/suite'
import { readCertificate } from '@pallas/x509'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { createPod, deletePod, isRunning, logOf, waitForPod } from '../pod-control.ts'
import { adminUrl } from '../programs.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'
import { processOf } from './pod-processes.ts'
import { confirm, documentFor, namesOf } from './upstream.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR
const HALF_A_DAY_MINUTES = 12 * 60

let it: ClusterUnderTest
let web: PodObject

beforeAll(async () => {
  it = await openCluster({
    refreshInterval: '2s',
    controlRefreshInterval: '',
    initTimeout: '2s',
    shiftableClocks: true,
    home: 'node',
    certificateMinutes: HALF_A_DAY_MINUTES,
  })
  web = await launch(it, request(it, 'web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

const AGENT = 'identity-agent'
const EVERYBODY = [AGENT, 'pods', 'callback', 'jwt-service']

afterEach(async () => {
  it.cluster.zts.faults.reset()
  await Promise.all(EVERYBODY.map((name) => it.cluster.clocks.shift(name, 0)))
})

const renewed = (than: string) =>
  eventually('a renewed certificate', () => {
    const serial = serialOf(it, web)
    return serial === than ? undefined : serial
  })

const refresherLog = () => logOf(it.cluster, { namespace: 'shop', name: 'web-0' }, 'sia-refresh')
const refusalsOf = (log: string) => log.split('UPSTREAM_INVALID_CERT').length - 1

/** The refresher has been told, or has seen for itself, that a certificate is not to be published. */
async function refused(): Promise<void> {
  const before = refusalsOf(await refresherLog())
  await eventually('a certificate that is not taken', async () => (refusalsOf(await refresherLog()) > before ? true : undefined))
}

const ready = async () => (await fetch(`${adminUrl(it.cluster.ports.agentAdmin)}/readyz`)).status

describe('the clock of the agent', () => {
  test('an hour and 11 h ahead, while certificates live 12 h: renewals go on, and the log says how wrong it is (T31)', async () => {
    for (const ms of [HOUR, 11 * HOUR]) {
      await it.cluster.clocks.shift(AGENT, ms)
      const wanted = it.logs.length
      await renewed(serialOf(it, web))
      const { record } = await eventually('the agent to tell', () => it.logs.slice(wanted).find(({ record }) => record['msg'] === 'identity issued'))
      expect(Date.parse(String(record['time']))).toBeGreaterThan(Date.now() + ms - MINUTE)
    }
    const problems = it.logs.map(({ record }) => String(record['problem']))
    expect(problems.find((problem) => problem.startsWith('zts is'))).toMatch(/^zts is (3599|3600|3601) s behind this host$/)
  })

  test('5 min behind ZTS, and 5 min ahead of it: renewals go on, and a metric of the agent says how wrong it is (T31)', async () => {
    for (const ms of [-5 * MINUTE, 5 * MINUTE]) {
      await it.cluster.clocks.shift(AGENT, ms)
      await renewed(serialOf(it, web))
      const skew = await eventually('the skew in the metric', async () => {
        const text = await (await fetch(`${adminUrl(it.cluster.ports.agentAdmin)}/metrics`)).text()
        const seconds = Number(/^athenz_identity_agent_clock_skew_seconds (\S+)$/m.exec(text)?.[1])
        return Math.abs(seconds) > 60 ? seconds : undefined
      })
      expect(Math.abs(skew * 1_000 + ms)).toBeLessThan(MINUTE)
    }
  })

  test('an hour behind ZTS: nobody is given what is not valid yet; a new pod is told 75, and starts by itself when clocks agree (T31)', async () => {
    await it.cluster.clocks.shift(AGENT, -HOUR)
    const late = request(it, 'late-0')
    await createPod(it.cluster, late)
    await refused()
    const before = serialOf(it, web)
    const ended = await eventually('the init container to end', () => it.steps.find(({ pod, step }) => pod === 'shop/late-0' && step === 'sia-init terminated'))
    expect(ended.detail).toBe('exit 75')
    expect(serialOf(it, web)).toBe(before)
    await it.cluster.clocks.shift(AGENT, 0)
    await renewed(before)
    await waitForPod(it.cluster, late, isRunning, 30_000)
    await deletePod(it.cluster, late)
  })

  test('that jumps two years ahead makes it unready and takes nothing; after the jump back it is ready and serves again (T31)', async () => {
    await it.cluster.clocks.shift(AGENT, 2 * YEAR)
    await refused()
    const before = serialOf(it, web)
    expect(await ready()).toBe(503)
    await it.cluster.clocks.shift(AGENT, 0)
    await renewed(before)
    expect(await ready()).toBe(200)
  })
})

describe('the clock of the refresher', () => {
  test('5 min behind: renewals go on (T31)', async () => {
    await it.cluster.clocks.shift('pods', -5 * MINUTE)
    await renewed(await renewed(serialOf(it, web)))
  })

  test.each([
    ['an hour back', -HOUR],
    ['two years back', -2 * YEAR],
    ['two years ahead', 2 * YEAR],
  ])('that jumps %s: what is not valid by it is not published, the old set stays, and after the way back renewals go on (T31)', async (_how, ms) => {
    await it.cluster.clocks.shift('pods', ms)
    await refused()
    const before = serialOf(it, web)
    await it.cluster.clocks.shift('pods', 0)
    await renewed(before)
    expect(it.steps.filter(({ pod, step }) => pod === 'shop/web-0' && step === 'sia-refresh terminated')).toEqual([])
  })
})

test('a node that slept for 14 h renews first of all, though its certificates have expired meanwhile (T31)', async () => {
  const { clocks, controlPlane, zts } = it.cluster
  const sleepers = [processOf(it.cluster, web, '--mode=refresh'), controlPlane.program(AGENT).pid]
  for (const pid of sleepers) {
    process.kill(pid, 'SIGSTOP')
    // What the agent is at comes to its end: a document that slept for 14 h would be refused, and rightly so.
    await wait(1_000)
  }
  const old = readCertificate(credentialsOf(it, web).cert)
  zts.faults.clockOffset(14 * HOUR)
  await Promise.all(EVERYBODY.map((name) => clocks.shift(name, 14 * HOUR)))
  const seen = it.logs.length
  for (const pid of sleepers) process.kill(pid, 'SIGCONT')

  await renewed(old.serial)
  const fresh = readCertificate(credentialsOf(it, web).cert)
  const wokeAt = Date.now() + 14 * HOUR
  expect(old.notAfter).toBeLessThan(wokeAt)
  expect(fresh.notAfter).toBeGreaterThan(wokeAt)
  const since = () => it.logs.slice(seen).filter(({ program }) => program === AGENT)
  await expect.poll(() => since().some(({ record }) => record['serial'] === fresh.serial)).toBe(true)
  expect(since().flatMap(({ record }) => record['reason'] ?? [])).toEqual([])

  zts.faults.reset()
  await Promise.all(EVERYBODY.map((name) => clocks.shift(name, 0)))
  await renewed(await renewed(fresh.serial))
})

test.each([
  ['5 min ahead of', 5 * MINUTE, 'DOCUMENT_NOT_YET_VALID'],
  ['6 min behind', -6 * MINUTE, 'DOCUMENT_EXPIRED'],
])('the JWT service is %s the callback: no document counts, and each says why (T31)', async (_how, ms, code) => {
  const names = await namesOf(it.cluster, web)
  await it.cluster.clocks.shift('jwt-service', ms)
  const document = await documentFor(it.cluster, web)
  const pair = it.cluster.pki.ztsServer
  expect(await confirm(it.cluster, { pod: web, names, document }, { pair })).toMatchObject({ status: 403, body: { code } })
  await it.cluster.clocks.shift('jwt-service', 0)
  const next = await documentFor(it.cluster, web)
  expect((await confirm(it.cluster, { pod: web, names, document: next }, { pair })).status).toBe(200)
})

// The last: what was drawn by a clock that is an hour ahead is due in an hour by the right one.
test('the clock of the refresher is an hour ahead: renewals go on (T31)', async () => {
  await it.cluster.clocks.shift('pods', HOUR)
  await renewed(await renewed(serialOf(it, web)))
})
