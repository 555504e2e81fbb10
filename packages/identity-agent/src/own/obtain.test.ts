import { FakeClock } from '@pallas/host/testing'
import { IdentityError, type Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import { KubernetesError, type TokenSource } from '@pallas/kubernetes'
import { nodeHost } from '@pallas/linux'
import { readCsr } from '@pallas/x509'
import { ZtsError } from '@pallas/zts'
import { describe, expect, test } from 'vitest'
import { createCertificateCheck } from '../certificate-check.ts'
import { createPods } from '../pods.ts'
import { FakeIssuer } from '../testing/fake-issuer.ts'
import { createObtain } from './obtain.ts'

const { keys } = nodeHost()
const AGENT = aPod({ namespace: 'k8s-admin', name: 'agent-x', serviceAccount: 'athenz-identity-agent', ip: '10.1.9.1' })
const claimsOf = ({ namespace, name, uid }: Pod) => ({ 'kubernetes.io': { namespace, pod: { name, uid } } })
const tokenOf = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AA`

const noFile: TokenSource = () => Promise.reject(new KubernetesError('KUBE_UNAUTHORIZED', 'no file'))

async function open({ pods = [AGENT], token = async () => tokenOf(claimsOf(AGENT)) }: { pods?: Pod[]; token?: TokenSource } = {}) {
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const issuer = await FakeIssuer.open(() => clock.now())
  const obtain = createObtain({
    token,
    pods: createPods({ kubelet: { pods: async () => pods }, clock, waitMs: 0 }),
    cluster: () => ({ ...someNameRules(), providerService: 'k8s.admin.athenz-callback' }),
    keys,
    zts: issuer,
    check: createCertificateCheck({ roots: () => issuer.ca.certPem, verify: (it) => keys.verify(it), clock }),
    events: { ztsCalled: (call) => call() },
    lifeMs: 24 * 3_600_000,
  })
  return { issuer, obtain: () => obtain(new AbortController().signal) }
}

describe("the agent's own certificate", () => {
  test('has exactly the names of its pod, for a key of its own, by the token as it is', async () => {
    const { issuer, obtain } = await open()
    const one = await obtain()
    const [call] = issuer.calls
    const { attestationData, csr, ...rest } = call?.request ?? { attestationData: '', csr: '' }
    expect(rest).toEqual({ provider: 'k8s.admin.athenz-callback', domain: 'k8s.admin', service: 'athenz-identity-agent', expiryMinutes: 1_440 })
    expect(attestationData).toBe(tokenOf(claimsOf(AGENT)))
    expect({ ...readCsr(csr).names, commonName: readCsr(csr).commonName }).toEqual({
      commonName: 'k8s.admin.athenz-identity-agent',
      dns: ['athenz-identity-agent.k8s-admin.svc.cluster.local', `${AGENT.uid}.instanceid.athenz.svc.cluster.local`],
      ip: ['10.1.9.1'],
      uri: ['spiffe://k8s.admin/sa/athenz-identity-agent'],
      email: [],
      other: 0,
    })
    const other = await obtain()
    expect(other.keyPem).not.toBe(one.keyPem)
    expect((await keys.import(one.keyPem)).spki).toEqual(one.leaf.spki)
  })

  test('is asked for with the token that is there now, never with one of before', async () => {
    const tokens = ['first', 'second'].map((jti) => tokenOf({ ...claimsOf(AGENT), jti }))
    const asked: unknown[] = []
    const { issuer, obtain } = await open({
      token: async (options) => {
        asked.push(options)
        return tokens[asked.length - 1] ?? ''
      },
    })
    await obtain()
    await obtain()
    expect(issuer.calls.map(({ request }) => request.attestationData)).toEqual(tokens)
    expect(asked).toEqual([{ fresh: true }, { fresh: true }])
  })

  test.each<[string, string, Parameters<typeof open>[0]]>([
    ['the token cannot be read', 'TOKEN_UNAVAILABLE', { token: noFile }],
    ['the token is none', 'TOKEN_UNBOUND', { token: async () => 'token' }],
    ['the token names no pod', 'TOKEN_UNBOUND', { token: async () => tokenOf({ sub: 'x' }) }],
    ['the token names a pod without a uid that is one', 'TOKEN_UNBOUND', { token: async () => tokenOf(claimsOf({ ...AGENT, uid: '../x' })) }],
    ['the kubelet does not show the pod', 'POD_NOT_SEEN_YET', { pods: [] }],
    ['the pod has no address', 'POD_IP_PENDING', { pods: [{ ...AGENT, ip: '' }] }],
    ['the pod uses the network of its host', 'HOST_NETWORK_REFUSED', { pods: [{ ...AGENT, hostNetwork: true }] }],
  ])('is not asked for when %s', async (_name, code, given) => {
    const { issuer, obtain } = await open(given)
    await expect(obtain()).rejects.toMatchObject({ code })
    expect(issuer.calls).toEqual([])
  })

  test('is refused for the reason that the callback gave', async () => {
    const { issuer, obtain } = await open()
    issuer.willFail(new ZtsError('ZTS_REFUSED', 'no', { status: 403, reason: 'TOKEN_ACCOUNT' }))
    await expect(obtain()).rejects.toMatchObject({ code: 'TOKEN_ACCOUNT', kind: 'denied' })
    issuer.willFail(new ZtsError('ZTS_UNREACHABLE', 'away'))
    await expect(obtain()).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE', kind: 'unavailable' })
  })

  test('is not believed when it is for another key (T16)', async () => {
    const { issuer, obtain } = await open()
    let first: Awaited<ReturnType<FakeIssuer['register']>> | undefined
    issuer.will(async (_call, honest) => (first ??= await honest()))
    await obtain()
    const error: unknown = await obtain().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(IdentityError)
    expect(error).toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
  })
})
