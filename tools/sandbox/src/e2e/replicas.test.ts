/** Two callbacks and two JWT services share nothing but the API server. */
import { createZtsClient } from '@pallas/zts'
import { systemClock } from '@pallas/runtime'
import { csrFor, launch, request } from '@pallas/suite'
import type { CsrNames } from '@pallas/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { PROVIDER } from '../names.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'
import { confirm, documentFor, moveProvider, namesOf } from './upstream.ts'

let it: ClusterUnderTest
let web: PodObject
let names: CsrNames

beforeAll(async () => {
  it = await openCluster({ replicas: 2 })
  web = await launch(it, request(it, 'web-0'))
  names = await namesOf(it.cluster, web)
})
afterAll(() => it[Symbol.asyncDispose]())

const callbackAt = (replica: 1 | 2) => (replica === 1 ? it.cluster.ports.callback : it.cluster.ports.callback2)
const show = (document: string, replica: 1 | 2) =>
  confirm(it.cluster, { pod: web, names, document }, { pair: it.cluster.pki.ztsServer, port: callbackAt(replica) })

const REPLAYED = { status: 403, body: { code: 'DOCUMENT_REPLAYED' } }

test.each([
  [1, 2],
  [2, 1],
] as const)('a document used at callback %i is refused at callback %i, and at the first again (T20)', async (one, other) => {
  const document = await documentFor(it.cluster, web)
  expect((await show(document, one)).status).toBe(200)
  expect(await show(document, other)).toMatchObject(REPLAYED)
  expect(await show(document, one)).toMatchObject(REPLAYED)
})

test('of two at the same time one counts (T20)', async () => {
  const document = await documentFor(it.cluster, web)
  const answers = await Promise.all([show(document, 1), show(document, 2), show(document, 1), show(document, 2)])
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})

test('what ZTS had confirmed by one callback is refused by the other, also after a crash of both (T20)', async () => {
  const { zts, pki, controlPlane } = it.cluster
  const document = await documentFor(it.cluster, web)
  const trusted = { endpoint: zts.url, roots: () => pki.ztsCa.chainPem, timeoutMs: 10_000, userAgent: 'test', clock: systemClock }
  await using client = createZtsClient(trusted)
  const register = async () => client.register({ provider: PROVIDER, domain: 'shop', service: 'web', attestationData: document, csr: await csrFor(names) })
  expect((await register()).instanceId).toBe(web.metadata.uid)
  moveProvider(it.cluster, 'callback-2')
  await expect(register()).rejects.toMatchObject({ code: 'ZTS_REFUSED' })

  for (const name of ['callback', 'callback-2'] as const) await controlPlane.stop(name, 'kill')
  for (const name of ['callback', 'callback-2'] as const) await controlPlane.start(name)
  expect(await show(document, 1)).toMatchObject(REPLAYED)
  expect(await show(document, 2)).toMatchObject(REPLAYED)
})

test.each([1, 2] as const)('a document of either JWT service counts at callback %i', async (replica) => {
  for (const port of [it.cluster.ports.jwtService, it.cluster.ports.jwtService2]) {
    expect((await show(await documentFor(it.cluster, web, port), replica)).status).toBe(200)
  }
})
