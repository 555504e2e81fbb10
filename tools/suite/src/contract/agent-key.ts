/** The original form: the agent makes the key, and a renewal is a ZTS refresh with the pair that the pod holds. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { readCertificate } from '@pallas/x509'
import type { ZtsCall } from '@pallas/zts/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askedOfZts } from '../asked-zts.ts'
import type { Answer } from '../calls.ts'
import { eventually } from '../eventually.ts'
import type { PodObject } from '../pod-object.ts'
import { credentialsOf, handleOf, IDENTITY_VOLUME, launch, type PodRequest, renewed, request, serialOf } from '../pods.ts'
import type { World } from '../world.ts'

/** `open`: a world whose pods leave the key to the agent, and renew every second, or as often as it can. */
export function describeAgentKey(name: string, open: () => Promise<World>): void {
  describe(`${name}: the key is made by the agent`, () => {
    let it: World

    beforeAll(async () => {
      it = await open()
    })
    afterAll(() => it[Symbol.asyncDispose]())

    describe('a pod whose SIA leaves the key to the agent', () => keptByTheAgent(() => it))
    describe("the original's client, by hand", () => byHand(() => it))
  })
}

const callsOf = async (it: World, { metadata }: PodObject) =>
  (await askedOfZts(it)).filter(({ instanceId }) => instanceId === metadata.uid)

const staleLogs = async (it: World, { metadata }: PodObject) =>
  (await it.programs.records('identity-agent')).filter(({ record }) => record['reason'] === 'LINEAGE_STALE' && record['podUid'] === metadata.uid)

const text = (base64: unknown): string => Buffer.from(String(base64), 'base64').toString()

const isPair = (keyPem: string, certPem: string): boolean =>
  new X509Certificate(certPem).publicKey.equals(createPublicKey(createPrivateKey(keyPem)))

function keptByTheAgent(world: () => World): void {
  let web: PodObject

  beforeAll(async () => {
    web = await launch(world(), request(world(), 'web-0'))
  })

  test('is launched by a register, and holds a pair that belongs together', async () => {
    expect((await callsOf(world(), web))[0]).toMatchObject({ operation: 'register', status: 201 })
    const { key, cert } = credentialsOf(world(), web)
    expect(isPair(key, cert)).toBe(true)
  })

  test('renews by a refresh as itself, with another key, along one lineage', async () => {
    const it = world()
    const before = credentialsOf(it, web)
    const first = readCertificate(before.cert).serial
    await renewed(it, web, await renewed(it, web, first))
    expect(credentialsOf(it, web).key).not.toBe(before.key)
    const [launched, ...refreshes] = await callsOf(it, web)
    expect(launched?.operation).toBe('register')
    expect(refreshes.length).toBeGreaterThan(1)
    for (const call of refreshes) {
      expect(call).toMatchObject({ operation: 'refresh', principal: 'shop.web', status: 200, callback: { status: 200 } })
    }
    expect(await staleLogs(it, web)).toEqual([])
  })

  test('goes on along its lineage over a crash of the agent', async () => {
    const it = world()
    await it.programs.stop('identity-agent', 'kill')
    const before = serialOf(it, web)
    const known = (await callsOf(it, web)).length
    await it.programs.start('identity-agent')
    await renewed(it, web, before)
    expect((await callsOf(it, web))[known]).toMatchObject({ operation: 'refresh', status: 200 })
    expect(await staleLogs(it, web)).toEqual([])
  })
}

interface Pair {
  readonly keyPEM: string
  readonly certPEM: string
}

function pairIn(body: Readonly<Record<string, unknown>>): Pair {
  const { keyPEM, certPEM } = body as unknown as Pair
  expect(isPair(text(keyPEM), text(certPEM))).toBe(true)
  return { keyPEM, certPEM }
}

function byHand(world: () => World): void {
  let pod: PodObject
  const pairs: Pair[] = []

  beforeAll(async () => {
    pod = await launch(world(), handPod(world()))
  })

  const post = (action: 'init' | 'refresh', body?: object | string) => {
    const it = world()
    const path = `/v1/${action}/${handleOf(it, pod)}`
    return eventually('the agent to see the pod with its address', async () => {
      const answer = await it.node.ask(pod, { method: 'POST', path, ...(body === undefined ? {} : { body }) })
      return answer.status === 503 ? undefined : answer
    })
  }
  const take = ({ body }: Answer): string => {
    const pair = pairIn(body)
    pairs.push(pair)
    return readCertificate(text(pair.certPEM)).serial
  }
  const recordOf = () => world().athenz.recordOf(pod)
  const lastCall = async () => (await callsOf(world(), pod)).at(-1)

  test('init without a body answers with key, certificate, authority and token (C4)', async () => {
    const answer = await post('init')
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['caCertPEM', 'certPEM', 'keyPEM', 'ntoken'])
    const serial = take(answer)
    expect(text(answer.body['caCertPEM'])).toBe(world().athenz.caPem)
    expect(answer.body['ntoken']).toMatch(/^v=S1;d=shop;n=web;/)
    expect(readCertificate(text(answer.body['certPEM'])).commonName).toBe('shop.web')
    expect(await recordOf()).toEqual({ current: serial, previous: serial })
  })

  test('refresh with that pair is a refresh at ZTS', async () => {
    const answer = await post('refresh', pairs[0])
    expect(answer.status).toBe(200)
    const serial = take(answer)
    expect(await lastCall()).toMatchObject({ operation: 'refresh', principal: 'shop.web', serial })
    expect(await recordOf()).toMatchObject({ current: serial })
  })

  test('a pair that is not the newest is never shown to ZTS, which would revoke it: the pod is registered anew (T19, W31)', async () => {
    const answer = await post('refresh', pairs[0])
    expect(answer.status).toBe(200)
    const serial = take(answer)
    expect(await lastCall()).toMatchObject({ operation: 'register', status: 201, serial })
    expect(await recordOf()).toEqual({ current: serial, previous: serial })
    await eventually('the event', async () => (await staleLogs(world(), pod)).find(({ record }) => record['problem'] === 'old-serial'))
  })

  test('the pair of that register is the new lineage', async () => {
    const answer = await post('refresh', pairs.at(-1))
    expect(take(answer)).toBe((await recordOf())?.current)
    expect((await callsOf(world(), pod)).map(({ operation }) => operation)).toEqual(['register', 'refresh', 'register', 'refresh'])
  })

  badPairs(() => ({ pairs, post, calls: () => callsOf(world(), pod) }))
}

interface Hand {
  readonly pairs: readonly Pair[]
  readonly post: (action: 'refresh', body?: object | string) => Promise<Answer>
  readonly calls: () => Promise<readonly ZtsCall[]>
}

function badPairs(hand: () => Hand): void {
  test.each([
    ['nothing', () => undefined, 'BODY_INVALID'],
    ['no pair', () => ({}), 'BODY_INVALID'],
    ['what is no JSON', () => 'keyPEM=', 'BODY_INVALID'],
    ['a key of another certificate', ({ pairs }: Hand) => ({ keyPEM: pairs[0]?.keyPEM, certPEM: pairs[1]?.certPEM }), 'CREDENTIALS_INVALID'],
    ['a key that is none', ({ pairs }: Hand) => ({ keyPEM: btoa('no key'), certPEM: pairs[1]?.certPEM }), 'CREDENTIALS_INVALID'],
  ])('refresh with %s is refused, and nobody is asked', async (_what, body, code) => {
    const { post, calls } = hand()
    const before = (await calls()).length
    expect(await post('refresh', body(hand()))).toMatchObject({ status: 400, body: { code } })
    expect(await calls()).toHaveLength(before)
  })
}

/** With a volume of the driver and no SIA. */
function handPod({ workloads }: World): PodRequest {
  const command = ['sleep', '600']
  const volumeMounts = [{ name: IDENTITY_VOLUME, mountPath: '/identity' }]
  const spec = {
    volumes: [{ name: IDENTITY_VOLUME, flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver', readOnly: true } }],
    containers: [{ name: 'main', image: workloads.image, command, volumeMounts }],
  }
  return request({ workloads }, 'hand-0', { identity: false, command, spec })
}
