/** Everybody upstream is away for several renewals' worth: what runs goes on running, what starts waits, all come back. */
import { existsSync } from 'node:fs'
import { credentialsOf, eventually, launch, overSocket, request, serialOf } from '@pallas/suite'
import { readCertificate } from '@pallas/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { createPod, deletePod, handleOf, isRunning, logOf, waitForPod } from '../pod-control.ts'
import { cgroupOf, placeHere, socketOf } from './callers.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

let it: ClusterUnderTest
let pods: readonly PodObject[]
let ended: { readonly pod: PodObject; readonly handle: string }
const NAMES = ['web-0', 'web-1', 'web-2']

beforeAll(async () => {
  it = await openCluster({ refreshInterval: '2s', controlRefreshInterval: '', initTimeout: '2s', certificateMinutes: 1 })
  pods = await Promise.all(NAMES.map((name) => launch(it, request(it, name))))
  const pod = await launch(it, request(it, 'ended-0'))
  ended = { pod, handle: await handleOf(it.cluster, pod) }
})
afterAll(() => it[Symbol.asyncDispose]())

const logLines = async (name: string, container: string) =>
  (await logOf(it.cluster, { namespace: 'shop', name }, container))
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)

const failuresOf = async (name: string) => (await logLines(name, 'sia-refresh')).filter(({ delayMs }) => delayMs !== undefined)

/** Each refresher has failed so often, of late. */
async function failing(times: number): Promise<void> {
  const before = await Promise.all(NAMES.map(async (name) => (await failuresOf(name)).length))
  for (const [index, name] of NAMES.entries()) {
    const wanted = (before[index] ?? 0) + times
    await eventually(`${times} failed renewals of ${name}`, async () => ((await failuresOf(name)).length >= wanted ? true : undefined), 60_000)
  }
}

const exitsOf = (name: string, container: string) =>
  it.steps.filter(({ pod, step }) => pod === `shop/${name}` && step === `${container} terminated`).map(({ detail }) => detail)

const firstExit = (name: string) => eventually(`${name} to be told`, () => exitsOf(name, 'sia-init')[0])

/** One by hand, from within the pod's cgroup. */
async function ask(pod: PodObject, handle: string, method: 'GET' | 'POST', action: string) {
  using _here = placeHere(it.cluster, cgroupOf(pod))
  return await overSocket(socketOf(it.cluster, handle), method, `/v1/${action}/${handle}`)
}

let before: readonly string[]

test('ZTS, callback and API server go: new pods are told ISSUER_UNAVAILABLE and 75, and wait (T28)', async () => {
  it.cluster.zts.faults.away()
  await it.cluster.controlPlane.stop('callback')
  before = pods.map((pod) => serialOf(it, pod))
  await createPod(it.cluster, request(it, 'late-0'))
  expect(await firstExit('late-0')).toBe('exit 75')
  expect(await logOf(it.cluster, request(it, 'late-0'), 'sia-init')).toContain('unavailable: ISSUER_UNAVAILABLE')
  await deletePod(it.cluster, request(it, 'ended-0'))
  it.cluster.api.faults.away()
}, 60_000)

test('for several renewals the pods that run keep their valid files, and nothing of theirs ends (T28)', async () => {
  await failing(2)
  for (const [index, pod] of pods.entries()) {
    const leaf = readCertificate(credentialsOf(it, pod).cert)
    expect(leaf.serial).toBe(before[index])
    expect(leaf.notAfter).toBeGreaterThan(Date.now())
    expect([...exitsOf(pod.metadata.name, 'sia-refresh'), ...exitsOf(pod.metadata.name, 'main')]).toEqual([])
  }
}, 120_000)

test('the agent is restarted meanwhile: pods that live are answered, one that has ended is not (T29)', async () => {
  const { cluster } = it
  cluster.api.faults.clear()
  await cluster.controlPlane.stop('identity-agent', 'kill')
  await cluster.controlPlane.stop('jwt-service')
  await cluster.controlPlane.start('identity-agent')
  const [web] = pods
  if (web === undefined) throw new Error('there is no pod')
  const handle = await handleOf(cluster, web)
  expect(await ask(web, handle, 'GET', 'names')).toMatchObject({ status: 200, body: { commonName: 'shop.web' } })
  expect(await ask(web, handle, 'POST', 'init')).toMatchObject({ status: 503, body: { code: 'SIGNER_UNAVAILABLE' } })
  expect(existsSync(socketOf(cluster, ended.handle))).toBe(false)
  using _here = placeHere(cluster, cgroupOf(ended.pod))
  expect((await overSocket(socketOf(cluster, handle), 'GET', `/v1/names/${handle}`)).status).toBe(403)
}, 60_000)

test('without the JWT service new pods are told SIGNER_UNAVAILABLE and 75 (T28)', async () => {
  await createPod(it.cluster, request(it, 'later-0'))
  expect(await firstExit('later-0')).toBe('exit 75')
  expect(await logOf(it.cluster, request(it, 'later-0'), 'sia-init')).toContain('unavailable: SIGNER_UNAVAILABLE')
}, 60_000)

test('all are back: renewals go on, those who waited start by themselves, and no two came back at the same time (T28)', async () => {
  const { cluster } = it
  await cluster.controlPlane.start('jwt-service')
  await cluster.controlPlane.start('callback')
  const known = cluster.zts.calls().length
  cluster.zts.faults.reset()
  for (const [index, pod] of pods.entries()) {
    await eventually(`a renewal of ${pod.metadata.name}`, () => (serialOf(it, pod) === before[index] ? undefined : true), 60_000)
  }
  await waitForPod(cluster, request(it, 'late-0'), isRunning, 60_000)
  await waitForPod(cluster, request(it, 'later-0'), isRunning, 60_000)
  expect(pods.flatMap((pod) => exitsOf(pod.metadata.name, 'sia-refresh'))).toEqual([])

  const waits = (await Promise.all(NAMES.map(failuresOf))).flat().map(({ delayMs }) => delayMs)
  expect(new Set(waits).size).toBeGreaterThan(0.8 * waits.length)
  const comebacks = pods.map(({ metadata }) => cluster.zts.calls().slice(known).find(({ instanceId }) => instanceId === metadata.uid)?.at)
  expect(new Set(comebacks).size).toBe(pods.length)
}, 180_000)
