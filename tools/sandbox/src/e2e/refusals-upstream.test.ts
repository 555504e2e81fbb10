/** Ways in which a launch must fail beyond the node: at the JWT service, at the callback, and while one of them is away. */
import { NODES, pathOf, PODS } from '@pallas/kubernetes'
import { systemClock } from '@pallas/runtime'
import { credentialsOf, csrFor, eventually, launch, request } from '@pallas/suite'
import type { CsrNames } from '@pallas/x509'
import { type IssueOptions, TestCa } from '@pallas/x509/testing'
import { createZtsClient } from '@pallas/zts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PodObject } from '../kubelet/objects.ts'
import { ADMIN_NAMESPACE, AGENT, NODE, PROVIDER, ZTS_NAME } from '../names.ts'
import { createPod, isRunning, phase, waitForPod } from '../pod-control.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'
import { askDocumentFor, confirm, documentFor, namesOf, type Pair } from './upstream.ts'

let it: ClusterUnderTest
let web: PodObject
let names: CsrNames

/** Of the cluster, but with nobody on it. */
const OTHER_NODE = 'node-2'

beforeAll(async () => {
  it = await openCluster()
  web = await launch(it, request(it, 'web-0'))
  // After it: the scheduler would send it there.
  await it.cluster.admin.create(pathOf(NODES), { metadata: { name: OTHER_NODE }, status: { addresses: [{ type: 'Hostname', address: OTHER_NODE }] } })
  names = await namesOf(it.cluster, web)
})
afterAll(() => it[Symbol.asyncDispose]())

const agentNamed = (options: Partial<IssueOptions>) => it.cluster.pki.athenzCa.issue({ commonName: AGENT, ...options })
const askDocument = (pair: Pair | undefined) => askDocumentFor(it.cluster, web, { pair })
const documentForWeb = () => documentFor(it.cluster, web)
const askCallback = (document: string | null, pair: Pair | undefined, path = '/instance') => confirm(it.cluster, { pod: web, names, document }, { pair, path })

const logged = (program: string, reason: string) =>
  eventually(`${reason} in the log of ${program}`, () =>
    it.logs.find(({ program: by, record }) => by === program && record['reason'] === reason),
  )

describe('the JWT service signs nothing', () => {
  test('for the agent of another node than the pod runs on (T23, W5)', async () => {
    const answer = await askDocument(await agentNamed({ dns: [OTHER_NODE] }))
    expect(answer).toMatchObject({ status: 403, body: { code: 'POD_ON_OTHER_NODE' } })
    expect(answer.text).not.toContain('eyJ')
    await logged('jwt-service', 'POD_ON_OTHER_NODE')
  })

  test('for an agent whose certificate names two nodes', async () => {
    const answer = await askDocument(await agentNamed({ dns: [NODE, OTHER_NODE] }))
    expect(answer).toMatchObject({ status: 403, body: { code: 'NODE_UNKNOWN' } })
  })

  test.each([
    ['of no node at all', { dns: [] }, 'NODE_UNKNOWN'],
    ['of a node that the cluster has not', { dns: ['node-9'] }, 'NODE_UNKNOWN'],
    ['of the right node under another name', { commonName: 'shop.web', dns: [NODE] }, 'CALLER_NOT_ALLOWED'],
    ['that has expired', { dns: [NODE], notBefore: Date.now() - 7_200_000, lifeMs: 3_600_000 }, undefined],
  ])('for a certificate %s', async (_whose, options, code) => {
    const before = it.logs.filter(({ record }) => record['msg'] === 'document signed').length
    const answer = askDocument(await agentNamed(options))
    if (code === undefined) await expect(answer).rejects.toThrow()
    else expect(await answer).toMatchObject({ status: 403, body: { code } })
    expect(it.logs.filter(({ record }) => record['msg'] === 'document signed')).toHaveLength(before)
  })

  test.each([
    ['with a certificate of another authority', async () => (await TestCa.create()).issue({ commonName: AGENT, dns: [NODE] })],
    ['with none', async () => undefined],
  ])('for a caller %s: there is no connection', async (_who, pair) => {
    await expect(askDocument(await pair())).rejects.toThrow()
  })

  test('for a pod by the credentials of that pod (T23)', async () => {
    const { key, cert } = credentialsOf(it, web)
    expect(await askDocument({ keyPem: key, certPem: cert })).toMatchObject({ status: 403, body: { code: 'CALLER_NOT_ALLOWED' } })
  })
})

const ztsPair = (): Pair => it.cluster.pki.ztsServer

describe('the callback says no', () => {
  test('to a document that was used before, by whoever shows it (T20, W7)', async () => {
    const { zts, pki } = it.cluster
    const captured = await documentForWeb()
    await using client = createZtsClient({ endpoint: zts.url, roots: () => pki.ztsCa.chainPem, timeoutMs: 10_000, userAgent: 'test', clock: systemClock })
    const register = async () =>
      client.register({ provider: PROVIDER, domain: 'shop', service: 'web', attestationData: captured, csr: await csrFor(names) })
    expect((await register()).instanceId).toBe(web.metadata.uid)

    expect(await askCallback(captured, ztsPair())).toMatchObject({ status: 403, body: { code: 'DOCUMENT_REPLAYED' } })
    await logged('callback', 'DOCUMENT_REPLAYED')
    await expect(register()).rejects.toMatchObject({ code: 'ZTS_REFUSED', reason: 'DOCUMENT_REPLAYED' })
    expect(zts.calls().at(-1)).toMatchObject({ operation: 'register', status: 403, callback: { status: 403 } })
    expect(zts.calls().at(-1)?.serial).toBeUndefined()
  })

  test('to a renewal without a document, whatever certificate ZTS has seen', async () => {
    expect(await askCallback(null, ztsPair(), '/refresh')).toMatchObject({ status: 403, body: { code: 'DOCUMENT_MISSING' } })
  })

  test('to a document that was changed, without spending it', async () => {
    const document = await documentForWeb()
    const [head = '', , signature = ''] = document.split('.')
    const claims = JSON.parse(Buffer.from(document.split('.')[1] ?? '', 'base64url').toString()) as object
    const forged = [head, Buffer.from(JSON.stringify({ ...claims, node: OTHER_NODE })).toString('base64url'), signature].join('.')
    expect(await askCallback(forged, ztsPair())).toMatchObject({ status: 403, body: { code: 'DOCUMENT_SIGNATURE' } })
    expect((await askCallback(document, ztsPair())).status).toBe(200)
  })

  test.each([
    ['who holds another certificate of the authority of ZTS', () => it.cluster.pki.ztsCa.issue({ commonName: 'other.zts' }), 'CALLER_NOT_ALLOWED'],
    ['who has the name of ZTS from the authority of services', () => it.cluster.pki.athenzCa.issue({ commonName: ZTS_NAME }), undefined],
    ['who has no certificate', async () => undefined, undefined],
  ])('to a caller %s, and the document stays unspent', async (_who, pair, code) => {
    const document = await documentForWeb()
    const answer = askCallback(document, await pair())
    if (code === undefined) await expect(answer).rejects.toThrow()
    else expect(await answer).toMatchObject({ status: 403, body: { code } })
    expect((await askCallback(document, ztsPair())).status).toBe(200)
  })
})

describe('being away is not being denied', () => {
  // Else the scheduler would send the next pod there.
  beforeAll(() => it.cluster.admin.delete(pathOf(NODES, { name: OTHER_NODE })))

  test('without the callback a pod waits, and gets its identity when the callback is back (W27)', async () => {
    const { cluster } = it
    await cluster.controlPlane.stop('callback')
    // Never: a denial would be the end of it.
    const pod = request(it, 'patient-0', { restartPolicy: 'Never' })
    await createPod(cluster, pod)
    const { record } = await logged('identity-agent', 'ISSUER_UNAVAILABLE')
    expect(record).toMatchObject({ pod: 'shop/patient-0', status: 503 })
    expect(await waitForPod(cluster, pod, () => true).then(phase)).toBe('Pending')
    await cluster.controlPlane.start('callback')
    const running = await waitForPod(cluster, pod, isRunning, 30_000)
    expect(running.status).toMatchObject({ initContainerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 0 } } }, {}] })
  })

  test('without the initializer no pod goes in unseen, and the control plane is not held up (T24)', async () => {
    const { cluster } = it
    await cluster.controlPlane.stop('initializer', 'kill')
    await expect(createPod(cluster, request(it, 'unseen-0'))).rejects.toMatchObject({
      code: 'KUBE_BUSY',
      fields: { detail: expect.stringContaining('failed calling webhook "athenz.initializer.kubernetes.io"') as string },
    })
    const found = cluster.admin.get(pathOf(PODS, { namespace: 'shop', name: 'unseen-0' }))
    await expect(found).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
    const own = request(it, 'own-0', { namespace: ADMIN_NAMESPACE, serviceAccount: 'athenz-callback', identity: false, command: ['true'], restartPolicy: 'Never' })
    await createPod(cluster, own)
    await waitForPod(cluster, own, (it) => phase(it) === 'Succeeded')

    await cluster.controlPlane.start('initializer')
    await launch(it, request(it, 'seen-0'))
  })
})
