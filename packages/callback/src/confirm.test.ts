import { IdentityError } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import type { InstanceConfirmation } from '@pallas/zts'
import { describe, expect, test } from 'vitest'
import { claimsFor, ecKeyPair, es256 } from './testing/documents.ts'
import {
  aRequest,
  ask,
  attributes,
  aWorld,
  documentFor,
  goodAttributes,
  NOW,
  pod,
  PROVIDER,
  type World,
} from './testing/verdicts.ts'

describe('a yes', () => {
  test('is for exactly the names of the pod, and leaves a record and a used document', async () => {
    const world = aWorld()
    const { code, facts } = await ask(world)
    expect(code).toBe('OK')
    expect(facts).toMatchObject({
      pod: 'media-on--air/web-0',
      podUid: pod.uid,
      node: 'node-1',
      domain: 'media.on-air',
      service: 'web',
    })
    expect(world.recorded).toEqual([
      {
        provider: PROVIDER,
        domain: 'media.on-air',
        service: 'web',
        instanceId: pod.uid,
        namespace: 'media-on--air',
        pod: 'web-0',
      },
    ])
    expect([...world.used]).toEqual([facts.jti])
  })

  test('does not depend on the order of names, nor on how zts spells addresses', async () => {
    const v6 = aPod({ ip: 'fd00::7' })
    const request = aRequest({
      attestationData: documentFor(v6),
      ...attributes({ sanDns: goodAttributes.sanDns.toReversed(), sanIp: ['FD00:0:0:0:0:0:0:7'] }),
    })
    expect(await ask(aWorld({ pods: [v6] }), request)).toMatchObject({ code: 'OK' })
  })

  test('is the same for a refresh with a fresh document', async () => {
    expect(await ask(aWorld(), aRequest(), true)).toMatchObject({ code: 'OK' })
  })

  test('is given to a pod on its host network without an address, where the policy says so', async () => {
    const host = aPod({ hostNetwork: true })
    const request = aRequest({ attestationData: documentFor(host), ...attributes({ sanIp: [] }) })
    const world = aWorld({ pods: [host], names: someNameRules({ hostNetwork: 'no-ip' }) })
    expect(await ask(world, request)).toMatchObject({ code: 'OK' })
  })
})

const dotted = aPod({ serviceAccount: 'aXb' })
const onHost = aPod({ hostNetwork: true })
const system = aPod({ namespace: 'k8s-admin-kube--system' })

describe('refused, each with its reason', () => {
  const away = aWorld({ pods: [] })
  test.each<[string, string, World, InstanceConfirmation]>([
    ['another provider', 'PROVIDER_MISMATCH', aWorld(), aRequest({ provider: 'k8s.admin.other' })],
    [
      'another provider, whatever its documents look like',
      'PROVIDER_MISMATCH',
      aWorld(),
      aRequest({ provider: 'k8s.admin.other', attestationData: 'hello' }),
    ],
    ['no document', 'DOCUMENT_MISSING', aWorld(), aRequest({ attestationData: undefined })],
    ['a document that is none', 'DOCUMENT_MALFORMED', aWorld(), aRequest({ attestationData: 'hello' })],
    [
      'a document of another signer',
      'DOCUMENT_SIGNATURE',
      aWorld(),
      aRequest({ attestationData: es256(ecKeyPair().privateKey, claimsFor(NOW)) }),
    ],
    [
      'a subject that is none',
      'DOCUMENT_MALFORMED',
      aWorld(),
      aRequest({ attestationData: documentFor(pod, { sub: 'pod:x' }) }),
    ],
    ['a pod that is not there', 'POD_UNKNOWN', away, aRequest()],
    [
      'a pod of the same name with another UID',
      'UID_MISMATCH',
      aWorld({ pods: [aPod({ uid: '11111111-2222-3333-4444-555555555555' })] }),
      aRequest(),
    ],
    [
      'a document of another node',
      'NODE_MISMATCH',
      aWorld(),
      aRequest({ attestationData: documentFor(pod, { node: 'node-2' }) }),
    ],
    ['a pod that has ended', 'POD_ENDED', aWorld({ pods: [aPod({ phase: 'Succeeded' })] }), aRequest()],
    [
      'a terminating pod that had no identity',
      'POD_TERMINATING',
      aWorld({ pods: [aPod({ deleting: true })] }),
      aRequest(),
    ],
    ['another domain than that of the namespace', 'DOMAIN_MISMATCH', aWorld(), aRequest({ domain: 'media.onair' })],
    ['another service than the service account', 'SERVICE_MISMATCH', aWorld(), aRequest({ service: 'db' })],
    [
      'a dotted look-alike of the service account',
      'SERVICE_MISMATCH',
      aWorld({ pods: [dotted] }),
      aRequest({ service: 'a.b', attestationData: documentFor(dotted) }),
    ],
    [
      'a service account with a dot',
      'SERVICE_REFUSED',
      aWorld({ pods: [aPod({ serviceAccount: 'a.b' })] }),
      aRequest({ service: 'a.b' }),
    ],
    [
      'a namespace below the admin domain',
      'NAMESPACE_REFUSED',
      aWorld({ pods: [system] }),
      aRequest({ attestationData: documentFor(system) }),
    ],
    [
      'another instance id than the UID',
      'INSTANCE_ID_MISMATCH',
      aWorld(),
      aRequest(attributes({ instanceId: 'web-0' })),
    ],
    ['no instance id', 'INSTANCE_ID_MISMATCH', aWorld(), aRequest(attributes({ instanceId: undefined }))],
    [
      'an extra DNS name',
      'SAN_DNS_MISMATCH',
      aWorld(),
      aRequest(attributes({ sanDns: [...goodAttributes.sanDns, 'db.media-on-air.svc.cluster.local'] })),
    ],
    [
      'a DNS name twice',
      'SAN_DNS_MISMATCH',
      aWorld(),
      aRequest(attributes({ sanDns: [...goodAttributes.sanDns, ...goodAttributes.sanDns] })),
    ],
    ['no DNS names', 'SAN_DNS_MISMATCH', aWorld(), aRequest(attributes({ sanDns: [] }))],
    ['the IP of another pod', 'SAN_IP_MISMATCH', aWorld(), aRequest(attributes({ sanIp: ['10.1.2.4'] }))],
    [
      'a second IP of a dual-stack pod',
      'SAN_IP_MISMATCH',
      aWorld(),
      aRequest(attributes({ sanIp: ['10.1.2.3', 'fd00::3'] })),
    ],
    ['no IP', 'SAN_IP_MISMATCH', aWorld(), aRequest(attributes({ sanIp: [] }))],
    [
      'the URI of another namespace',
      'SAN_URI_MISMATCH',
      aWorld(),
      aRequest(attributes({ sanUri: ['spiffe://media.off-air/sa/web'] })),
    ],
    [
      'an instance URI beside',
      'SAN_URI_MISMATCH',
      aWorld(),
      aRequest(attributes({ sanUri: [...goodAttributes.sanUri, `athenz://instanceid/${PROVIDER}/x`] })),
    ],
    [
      'a pod on its host network',
      'HOST_NETWORK_REFUSED',
      aWorld({ pods: [onHost] }),
      aRequest({ attestationData: documentFor(onHost) }),
    ],
    [
      'a host network pod that wants the address of the host',
      'SAN_IP_MISMATCH',
      aWorld({ pods: [onHost], names: someNameRules({ hostNetwork: 'no-ip' }) }),
      aRequest({ attestationData: documentFor(onHost) }),
    ],
    [
      'a document made under other rules',
      'SUBJECT_MISMATCH',
      aWorld(),
      aRequest({ attestationData: documentFor(aPod({ ip: '10.9.9.9' })) }),
    ],
    [
      'a client outside the allowed range',
      'CLIENT_IP_MISMATCH',
      aWorld({ clientIp: { kind: 'cidrs', cidrs: ['10.1.0.0/16'] } }),
      aRequest(),
    ],
    [
      'a client that is not the node',
      'CLIENT_IP_MISMATCH',
      aWorld({ clientIp: { kind: 'node', addresses: ['10.9.9.8'] } }),
      aRequest(),
    ],
  ])('%s: %s (T22, W6, W8)', async (_name, code, world, request) => {
    expect(await ask(world, request)).toMatchObject({ code, kind: 'denied' })
    expect(world.recorded).toEqual([])
    expect(world.used.size).toBe(0)
  })

  test('a refresh without attestation data', async () => {
    expect(
      await ask(aWorld(), aRequest({ attestationData: undefined }), true),
    ).toMatchObject({ code: 'DOCUMENT_MISSING', kind: 'denied' })
  })
})

describe('one use', () => {
  test('the second request with a document is refused, by register and by refresh (T20, W7)', async () => {
    const world = aWorld()
    const request = aRequest()
    expect(await ask(world, request)).toMatchObject({ code: 'OK' })
    expect(await ask(world, request)).toMatchObject({ code: 'DOCUMENT_REPLAYED', kind: 'denied' })
    expect(await ask(world, request, true)).toMatchObject({ code: 'DOCUMENT_REPLAYED' })
    expect(await ask(world)).toMatchObject({ code: 'OK' })
  })

  test('a document that was shown with wrong names is not used up by it', async () => {
    const world = aWorld()
    const request = aRequest()
    expect(await ask(world, { ...request, service: 'db' })).toMatchObject({ code: 'SERVICE_MISMATCH' })
    expect(await ask(world, request)).toMatchObject({ code: 'OK' })
  })
})

describe('a terminating pod', () => {
  const leaving = aPod({ deleting: true })

  test('renews by register when it was vouched for before', async () => {
    const world = aWorld()
    await ask(world)
    expect(await ask({ ...world, pods: [leaving] })).toMatchObject({ code: 'OK' })
  })

  test('renews by refresh: zts knows the instance', async () => {
    expect(await ask(aWorld({ pods: [leaving] }), aRequest(), true)).toMatchObject({ code: 'OK' })
  })
})

const blind = async () => {
  throw new IdentityError('API_UNAVAILABLE', 'away')
}

describe('not now, which is no denial', () => {
  test.each<[string, string, Partial<World>]>([
    ['the pod cannot be looked up', 'API_UNAVAILABLE', { other: { findPod: blind } }],
    ['the node cannot be looked up', 'API_UNAVAILABLE', { other: { clientIpPolicyFor: blind } }],
    [
      'the instance cannot be recorded',
      'API_UNAVAILABLE',
      { other: { instances: { record: blind, isRecorded: blind } } },
    ],
    ['the use of the document cannot be recorded', 'API_UNAVAILABLE', { other: { useOnce: blind } }],
    ['the pod has no address yet', 'POD_IP_PENDING', { pods: [aPod({ ip: '' })] }],
  ])('%s (W27)', async (_name, code, world) => {
    expect(await ask(aWorld(world))).toMatchObject({ code, kind: 'unavailable' })
  })

  test('a record that was made but a use that was not leaves no yes', async () => {
    const world = aWorld({ other: { useOnce: blind } })
    expect(await ask(world)).toMatchObject({ code: 'API_UNAVAILABLE' })
    expect(world.recorded).toHaveLength(1)
  })

  test('a use that was made but a record that was not leaves no yes, and the document is spent', async () => {
    const world = aWorld({ other: { instances: { record: blind, isRecorded: blind } } })
    const request = aRequest()
    expect(await ask(world, request)).toMatchObject({ code: 'API_UNAVAILABLE' })
    expect(await ask({ ...world, other: {} }, request)).toMatchObject({ code: 'DOCUMENT_REPLAYED' })
  })
})

test('record and use are asked for at once, and neither is left behind by the answer', async () => {
  const { promise: recorded, resolve: record } = Promise.withResolvers<void>()
  const { promise: useAsked, resolve: asked } = Promise.withResolvers<void>()
  let answered = false
  const useOnce = async () => {
    asked()
    throw new IdentityError('API_UNAVAILABLE', 'away')
  }
  const answer = ask(aWorld({ other: { useOnce, instances: { record: () => recorded, isRecorded: async () => false } } }))
  void answer.then(() => (answered = true))
  await useAsked
  await new Promise(setImmediate)
  expect(answered).toBe(false)
  record()
  expect(await answer).toMatchObject({ code: 'API_UNAVAILABLE' })
})
