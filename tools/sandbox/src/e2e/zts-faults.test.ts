/** A ZTS that behaves badly: the pod ends with a good set, and its lineage at ZTS is the one it holds. */
import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto'
import { credentialsOf, eventually, launch, request, serialOf } from '@pallas/suite'
import { readCertificate } from '@pallas/x509'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { PROVIDER } from '../names.ts'
import { logOf } from '../pod-control.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

let it: ClusterUnderTest
let web: PodObject

beforeAll(async () => {
  it = await openCluster({ refreshInterval: '1s', controlRefreshInterval: '', keyOrigin: 'agent', ztsTimeout: '2s' })
  web = await launch(it, request(it, 'web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())
afterEach(() => it.cluster.zts.faults.reset())

const renewed = (than: string) =>
  eventually('a renewed certificate', () => {
    const serial = serialOf(it, web)
    return serial === than ? undefined : serial
  })

interface Failure {
  readonly delayMs: number
  readonly line: string
}

async function failures(): Promise<Failure[]> {
  const lines = (await logOf(it.cluster, { namespace: 'shop', name: 'web-0' }, 'sia-refresh')).split('\n')
  return lines.flatMap((line) => {
    const delayMs = /"delayMs":(\d+)/.exec(line)?.[1]
    return delayMs === undefined ? [] : [{ delayMs: Number(delayMs), line }]
  })
}

/** The next renewal that fails. */
async function failure(): Promise<Failure> {
  const known = (await failures()).length
  return eventually('a renewal that fails', async () => (await failures())[known])
}

const recordOf = ({ metadata }: PodObject) =>
  it.cluster.zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'web', instanceId: metadata.uid })

/** One set, and ZTS agrees that it is the newest: another refresh with it is no revocation. */
async function isGoodSet(): Promise<void> {
  await eventually('the newest set in place', () => {
    const { key, cert } = credentialsOf(it, web)
    expect(new X509Certificate(cert).publicKey.equals(createPublicKey(createPrivateKey(key)))).toBe(true)
    return recordOf(web)?.current === readCertificate(cert).serial ? true : undefined
  })
  const revoked = it.cluster.zts.calls().filter(({ message }) => message === 'Certificate revoked')
  expect(revoked).toEqual([])
}

test.each([
  [503, '3', 3_000],
  [429, '2', 2_000],
] as const)('%i with Retry-After %s: nobody comes before that, then renewals go on (T33)', async (status, retryAfter, leastMs) => {
  it.cluster.zts.faults.busy(status, retryAfter)
  const before = serialOf(it, web)
  const { delayMs, line } = await failure()
  expect(delayMs).toBeGreaterThanOrEqual(leastMs)
  expect(line).toContain('ISSUER_UNAVAILABLE')
  it.cluster.zts.faults.reset()
  await renewed(before)
  await isGoodSet()
})

test('a page with status 200 is no identity and no denial: the old set stays, then renewals go on (T33)', async () => {
  it.cluster.zts.faults.html()
  const before = serialOf(it, web)
  expect((await failure()).line).toContain('ISSUER_UNAVAILABLE')
  expect(serialOf(it, web)).toBe(before)
  it.cluster.zts.faults.reset()
  await renewed(before)
  await isGoodSet()
})

test.each([
  ['answers byte by byte, a second each: it is not waited for beyond the deadline', 'slowLoris'],
  ['answers twice: one answer counts', 'answerTwice'],
] as const)('a ZTS that %s, then renewals go on (T33)', async (_how, fault) => {
  const before = serialOf(it, web)
  it.cluster.zts.faults[fault]()
  if (fault === 'slowLoris') {
    expect((await failure()).line).toContain('UNAVAILABLE')
    expect(serialOf(it, web)).toBe(before)
  } else {
    await renewed(before)
  }
  it.cluster.zts.faults.reset()
  await renewed(serialOf(it, web))
  await isGoodSet()
})

test('a connection that is reset after the issue: the pod goes on with what it holds, refreshed once more and never revoked (T33)', async () => {
  const before = serialOf(it, web)
  it.cluster.zts.faults.resetAfterIssue()
  await failure()
  it.cluster.zts.faults.reset()
  const lost = it.cluster.zts.calls().filter(({ instanceId, serial, status }) => instanceId === web.metadata.uid && serial !== undefined && status === undefined)
  expect(lost.length).toBeGreaterThan(0)
  await renewed(before)
  await isGoodSet()
})
