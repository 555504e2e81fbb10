/**
 * The agent's own identity: by the token of its pod, through ZTS, callback and TokenReview; and who is refused one.
 *
 * Node's home alone: the agent has no other, and pods here only have to start.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathOf, PODS } from '@pallas/kubernetes'
import { systemClock } from '@pallas/runtime'
import { eventually, launch, request } from '@pallas/suite'
import { createCsr, readCertificate } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { createZtsClient } from '@pallas/zts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAgentPod } from '../agent-pod.ts'
import type { PodObject } from '../kubelet/objects.ts'
import { ADMIN_DOMAIN, ADMIN_NAMESPACE, AGENT, AGENT_ACCOUNT, DNS_SUFFIX, PROVIDER } from '../names.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'
import { askDocumentFor, pairOfAgent } from './upstream.ts'

let it: ClusterUnderTest
let web: PodObject

beforeAll(async () => {
  it = await openCluster()
  web = await launch(it, request(it, 'web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

const leafOf = (certPem: string) => readCertificate(certPem.split(/(?<=-----END CERTIFICATE-----\n)/)[0] ?? '')
const tokenOfAgent = (): string => {
  const { agent } = it.cluster.context
  return agent === 'provisioned' ? '' : readFileSync(agent.tokenFile, 'utf8')
}
const agentPod = async (name = `${AGENT_ACCOUNT}-0`): Promise<PodObject> =>
  (await it.cluster.admin.get(pathOf(PODS, { namespace: ADMIN_NAMESPACE, name }))) as unknown as PodObject

const mint = ({ metadata, spec }: PodObject, other: object = {}): Promise<string> =>
  it.cluster.api.mintToken({ namespace: metadata.namespace, name: spec.serviceAccountName ?? '', pod: metadata.name, audiences: [PROVIDER], ...other })

/** Asks ZTS for the identity of an agent whose pod that is, for a key of ours; resolves with the reason, or with `OK`. */
async function register(pod: PodObject, attestationData: string): Promise<string> {
  const { zts, pki } = it.cluster
  const roots = () => pki.ztsCa.chainPem
  await using client = createZtsClient({ endpoint: zts.url, roots, timeoutMs: 10_000, userAgent: 'test', clock: systemClock })
  const dns = [`${AGENT_ACCOUNT}.${ADMIN_NAMESPACE}.${DNS_SUFFIX}`, `${pod.metadata.uid}.instanceid.athenz.${DNS_SUFFIX}`]
  const names = { commonName: AGENT, dns, ip: ['127.0.0.1'], uri: [`spiffe://${ADMIN_DOMAIN}/sa/${AGENT_ACCOUNT}`] }
  const csr = await createCsr(names, nodeKey())
  const wish = { provider: PROVIDER, domain: ADMIN_DOMAIN, service: AGENT_ACCOUNT, attestationData, csr }
  const outcome = await client.register(wish).then(
    () => 'OK',
    (error: { reason?: string; message: string }) => error.reason ?? error.message,
  )
  return outcome
}

describe('the agent', () => {
  test('has a certificate of its own pod from ZTS, and by it gets documents for its node', async () => {
    const { certPem } = pairOfAgent(it.cluster)
    const { uid } = (await agentPod()).metadata
    const { commonName, names } = leafOf(certPem)
    expect({ commonName, instance: names.dns[1] }).toEqual({ commonName: AGENT, instance: `${uid}.instanceid.athenz.${DNS_SUFFIX}` })
    expect(names.dns).not.toContain('node-1')
    const record = it.cluster.zts.records.get({ provider: PROVIDER, domain: ADMIN_DOMAIN, service: AGENT_ACCOUNT, instanceId: uid })
    expect(record?.current).toBe(leafOf(certPem).serial)
    expect(await askDocumentFor(it.cluster, web, { pair: pairOfAgent(it.cluster) })).toMatchObject({ status: 200 })
    expect(it.logs).toContainEqual(expect.objectContaining({ program: 'identity-agent', record: expect.objectContaining({ msg: 'own identity issued' }) }))
  })

  test('goes on with it when it is killed while ZTS is away (T29)', async () => {
    const { controlPlane, zts } = it.cluster
    const before = leafOf(pairOfAgent(it.cluster).certPem).serial
    zts.faults.away()
    try {
      await controlPlane.stop('identity-agent', 'kill')
      await controlPlane.start('identity-agent')
      expect(leafOf(pairOfAgent(it.cluster).certPem).serial).toBe(before)
    } finally {
      zts.faults.reset()
    }
  })
})

describe('nobody gets the identity of an agent', () => {
  test('with a forged token that says all the same words', async () => {
    const [header = '', claims = ''] = tokenOfAgent().split('.')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const text = `${header}.${claims}`
    const forged = `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    expect(await register(await agentPod(), forged)).toBe('TOKEN_NOT_AUTHENTIC')
  })

  test('with the token of a workload, whatever it asks for', async () => {
    expect(await register(web, await mint(web))).toBe('TOKEN_ACCOUNT')
    expect(await register(await agentPod(), await mint(web))).toBe('TOKEN_ACCOUNT')
  })

  test('with the token of another agent', async () => {
    const other = await createAgentPod(it.cluster.admin, 'agent-other')
    expect(await register(await agentPod(), await mint(other))).toBe('INSTANCE_ID_MISMATCH')
    expect(await register(other, tokenOfAgent())).toBe('INSTANCE_ID_MISMATCH')
  })

  test('with the token that agents use for the API server, or one that is bound to no pod', async () => {
    const pod = await agentPod()
    expect(await register(pod, await mint(pod, { audiences: ['https://kubernetes.default.svc'] }))).toBe('TOKEN_AUDIENCE')
    expect(await register(pod, await mint(pod, { pod: undefined }))).toBe('TOKEN_UNBOUND')
  })
})

test('an agent whose pod is deleted gets no more documents, no new identity, and its instance is forgotten at ZTS (T23)', async () => {
  const { admin, zts } = it.cluster
  const pod = await agentPod()
  const token = tokenOfAgent()
  const pair = pairOfAgent(it.cluster)
  await admin.delete(pathOf(PODS, { namespace: ADMIN_NAMESPACE, name: pod.metadata.name }), { gracePeriodSeconds: 0 })
  const answer = await eventually('the agent to be nobody', async () => {
    const asked = await askDocumentFor(it.cluster, web, { pair })
    return asked.status === 200 ? undefined : asked
  })
  expect(answer).toMatchObject({ status: 403, body: { code: 'NODE_UNKNOWN' } })
  expect(await register(pod, token)).toBe('TOKEN_NOT_AUTHENTIC')
  const name = { provider: PROVIDER, domain: ADMIN_DOMAIN, service: AGENT_ACCOUNT, instanceId: pod.metadata.uid }
  await eventually('the instance to be deleted', () => (zts.records.get(name) === undefined ? true : undefined), 60_000)
  const again = await createAgentPod(admin, pod.metadata.name)
  expect(await register(again, token)).toBe('INSTANCE_ID_MISMATCH')
  expect(await register(pod, token)).toBe('TOKEN_NOT_AUTHENTIC')
})

test('an agent whose host provides its certificate serves pods as before', async () => {
  await using other = await openCluster({ agentIdentity: 'provisioned' })
  const pod = await launch(other, request(other, 'web-0'))
  expect(pod.status?.['phase']).toBe('Running')
  const pair = pairOfAgent(other.cluster)
  expect(leafOf(pair.certPem).names.dns).toEqual(['node-1'])
  expect(await askDocumentFor(other.cluster, pod, { pair })).toMatchObject({ status: 200 })
})
