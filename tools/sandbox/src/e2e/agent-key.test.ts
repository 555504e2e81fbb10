/** The original form: the agent makes the key, and a renewal is a ZTS refresh with the pair that the pod holds. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '@pallas/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { FLEX_DRIVER, PROVIDER } from '../names.ts'
import { createPod, handleOf, isRunning, volumePath, waitForPod } from '../pod-control.ts'
import { podManifest } from '../pods.ts'
import { cgroupOf, overSocket, placeHere, socketOf } from './callers.ts'
import { type ClusterUnderTest, credentialsOf, eventually, launch, openCluster, request, serialOf } from './open-cluster.ts'

let it: ClusterUnderTest

beforeAll(async () => {
  it = await openCluster({ refreshInterval: '1s', keyOrigin: 'agent' })
})
afterAll(() => it[Symbol.asyncDispose]())

const callsOf = ({ metadata }: PodObject) =>
  it.cluster.zts.calls().filter(({ instanceId, operation }) => instanceId === metadata.uid && operation !== 'delete')

const recordOf = ({ metadata }: PodObject) =>
  it.cluster.zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'web', instanceId: metadata.uid })

const staleLogs = ({ metadata }: PodObject) =>
  it.logs.filter(({ record }) => record['reason'] === 'LINEAGE_STALE' && record['podUid'] === metadata.uid)

const text = (base64: unknown): string => Buffer.from(String(base64), 'base64').toString()

const isPair = (keyPem: string, certPem: string): boolean =>
  new X509Certificate(certPem).publicKey.equals(createPublicKey(createPrivateKey(keyPem)))

describe('a pod whose SIA leaves the key to the agent', () => {
  let web: PodObject

  beforeAll(async () => {
    web = await launch(it.cluster, request('web-0'))
  })

  const renewed = (than: string) =>
    eventually('a renewed certificate', () => {
      const serial = serialOf(it.cluster, web)
      return serial === than ? undefined : serial
    })

  test('is launched by a register, and holds a pair that belongs together', () => {
    expect(callsOf(web)[0]).toMatchObject({ operation: 'register', status: 201 })
    const { key, cert } = credentialsOf(it.cluster, web)
    expect(isPair(key, cert)).toBe(true)
  })

  test('renews by a refresh as itself, with another key, along one lineage', async () => {
    const before = credentialsOf(it.cluster, web)
    const first = readCertificate(before.cert).serial
    await renewed(await renewed(first))
    expect(credentialsOf(it.cluster, web).key).not.toBe(before.key)
    const [launched, ...refreshes] = callsOf(web)
    expect(launched?.operation).toBe('register')
    expect(refreshes.length).toBeGreaterThan(1)
    for (const call of refreshes) {
      expect(call).toMatchObject({ operation: 'refresh', principal: 'shop.web', status: 200, callback: { status: 200 } })
    }
    expect(staleLogs(web)).toEqual([])
  })

  test('goes on along its lineage over a crash of the agent', async () => {
    await it.cluster.controlPlane.stop('identity-agent', 'kill')
    const before = serialOf(it.cluster, web)
    const known = callsOf(web).length
    await it.cluster.controlPlane.start('identity-agent')
    await renewed(before)
    expect(callsOf(web)[known]).toMatchObject({ operation: 'refresh', status: 200 })
    expect(staleLogs(web)).toEqual([])
  })
})

describe("the original's client, by hand", () => {
  let pod: PodObject
  let here: Disposable
  const pairs: Pair[] = []

  interface Pair {
    readonly keyPEM: string
    readonly certPEM: string
  }

  beforeAll(async () => {
    const name = request('hand-0', { identity: false, command: ['sleep', '600'] })
    await createPod(it.cluster, { namespace: 'shop', manifest: withVolume(podManifest(name)) })
    pod = await waitForPod(it.cluster, name, isRunning)
    here = placeHere(it.cluster, cgroupOf(pod))
  })
  afterAll(() => here[Symbol.dispose]())

  const post = async (action: 'init' | 'refresh', body?: object | string) => {
    const id = readFileSync(join(volumePath(it.cluster, pod, 'sia-identity'), 'id'), 'utf8')
    const path = socketOf(it.cluster, await handleOf(it.cluster, pod))
    return eventually('the agent to see the pod with its address', async () => {
      const answer = await overSocket(path, 'POST', `/v1/${action}/${id}`, body)
      return answer.status === 503 ? undefined : answer
    })
  }
  const take = (body: Readonly<Record<string, unknown>>): string => {
    const { keyPEM, certPEM } = body as unknown as Pair
    pairs.push({ keyPEM, certPEM })
    expect(isPair(text(keyPEM), text(certPEM))).toBe(true)
    return readCertificate(text(certPEM)).serial
  }

  test('init without a body answers with key, certificate, authority and token (C4)', async () => {
    const answer = await post('init')
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['caCertPEM', 'certPEM', 'keyPEM', 'ntoken'])
    const serial = take(answer.body)
    expect(text(answer.body['caCertPEM'])).toBe(it.cluster.pki.athenzCa.chainPem)
    expect(answer.body['ntoken']).toMatch(/^v=S1;d=shop;n=web;/)
    expect(readCertificate(text(answer.body['certPEM'])).commonName).toBe('shop.web')
    expect(recordOf(pod)).toEqual({ current: serial, previous: serial })
  })

  test('refresh with that pair is a refresh at ZTS', async () => {
    const answer = await post('refresh', pairs[0])
    expect(answer.status).toBe(200)
    const serial = take(answer.body)
    expect(callsOf(pod).at(-1)).toMatchObject({ operation: 'refresh', principal: 'shop.web', serial })
    expect(recordOf(pod)).toMatchObject({ current: serial })
  })

  test('a pair that is not the newest is never shown to ZTS, which would revoke it: the pod is registered anew (T19, W31)', async () => {
    const answer = await post('refresh', pairs[0])
    expect(answer.status).toBe(200)
    const serial = take(answer.body)
    expect(callsOf(pod).at(-1)).toMatchObject({ operation: 'register', status: 201, serial })
    expect(recordOf(pod)).toEqual({ current: serial, previous: serial })
    await eventually('the event', () => staleLogs(pod).find(({ record }) => record['problem'] === 'old-serial'))
  })

  test('the pair of that register is the new lineage', async () => {
    const answer = await post('refresh', pairs.at(-1))
    expect(take(answer.body)).toBe(recordOf(pod)?.current)
    expect(callsOf(pod).map(({ operation }) => operation)).toEqual(['register', 'refresh', 'register', 'refresh'])
  })

  test.each([
    ['nothing', () => undefined, 'BODY_INVALID'],
    ['no pair', () => ({}), 'BODY_INVALID'],
    ['what is no JSON', () => 'keyPEM=', 'BODY_INVALID'],
    ['a key of another certificate', () => ({ keyPEM: pairs[0]?.keyPEM, certPEM: pairs[1]?.certPEM }), 'CREDENTIALS_INVALID'],
    ['a key that is none', () => ({ keyPEM: btoa('no key'), certPEM: pairs[1]?.certPEM }), 'CREDENTIALS_INVALID'],
  ])('refresh with %s is refused, and nobody is asked', async (_what, body, code) => {
    const before = callsOf(pod).length
    expect(await post('refresh', body())).toMatchObject({ status: 400, body: { code } })
    expect(callsOf(pod)).toHaveLength(before)
  })
})

/** The same pod with a volume of the driver and no SIA. */
function withVolume(manifest: object): object {
  const { spec, ...rest } = manifest as { spec: { volumes: object[] } }
  return { ...rest, spec: { ...spec, volumes: [...spec.volumes, { name: 'sia-identity', flexVolume: { driver: FLEX_DRIVER } }] } }
}
