import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kindOf } from './reason.ts'
import { aPod, someNameRules } from './testing/index.ts'
import { judge, type ShownInstance, type VerdictRules } from './verdict.ts'

const UID = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'
const WEB = 'web.media-on-air.svc.cluster.local'
const INSTANCE = `${UID}.instanceid.athenz.svc.cluster.local`
const shown: ShownInstance = {
  provider: 'k8s.admin.athenz-callback',
  domain: 'media.on-air',
  service: 'web',
  instanceId: UID,
  sanDns: [WEB, INSTANCE],
  sanIp: ['10.1.2.3'],
  sanUri: ['spiffe://media.on-air/sa/web'],
  clientIp: '192.168.0.7',
}
const rules: VerdictRules = {
  names: someNameRules(),
  provider: 'k8s.admin.athenz-callback',
  clientIp: { kind: 'ignore' },
  occasion: 'first',
}
const denied = (reason: string) => ({ allow: false, reason })

test('exactly the names of the pod are allowed, with the workload that they are of', () => {
  const workload = { domain: 'media.on-air', service: 'web', instanceId: UID }
  expect(judge(shown, aPod(), rules)).toMatchObject({ allow: true, workload })
})

test('names in any order are allowed', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...shown.sanDns], { minLength: 2 }), (sanDns) => {
      expect(judge({ ...shown, sanDns }, aPod(), rules).allow).toBe(true)
    }),
  )
})

test('ipv6 is compared by value: a java server writes it in full', () => {
  const pod = aPod({ ip: '2001:db8::1' })
  expect(judge({ ...shown, sanIp: ['2001:db8:0:0:0:0:0:1'] }, pod, rules).allow).toBe(true)
  expect(judge({ ...shown, sanIp: ['2001:db8:0:0:0:0:0:2'] }, pod, rules)).toMatchObject(denied('SAN_IP_MISMATCH'))
})

test.each<[string, Partial<ShownInstance>, string]>([
  ['another provider', { provider: 'k8s.admin.other' }, 'PROVIDER_MISMATCH'],
  ['the provider in upper case', { provider: 'K8S.admin.athenz-callback' }, 'PROVIDER_MISMATCH'],
  ['another domain', { domain: 'media.on.air' }, 'DOMAIN_MISMATCH'],
  ['a domain that a pattern would take', { domain: 'mediaxon-air' }, 'DOMAIN_MISMATCH'],
  ['another service', { service: 'we' }, 'SERVICE_MISMATCH'],
  ['another instance', { instanceId: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c12' }, 'INSTANCE_ID_MISMATCH'],
  ['the pod name for an instance', { instanceId: 'web-0' }, 'INSTANCE_ID_MISMATCH'],
  ['no instance', { instanceId: '' }, 'INSTANCE_ID_MISMATCH'],
  ['no dns names', { sanDns: [] }, 'SAN_DNS_MISMATCH'],
  ['one dns name only', { sanDns: [WEB] }, 'SAN_DNS_MISMATCH'],
  ['a dns name too many', { sanDns: [WEB, INSTANCE, 'bank.svc.cluster.local'] }, 'SAN_DNS_MISMATCH'],
  ['a dns name twice', { sanDns: [WEB, INSTANCE, WEB] }, 'SAN_DNS_MISMATCH'],
  ['a dns name twice in place of another', { sanDns: [WEB, WEB] }, 'SAN_DNS_MISMATCH'],
  ['a wildcard', { sanDns: [WEB, INSTANCE, `*.${WEB}`] }, 'SAN_DNS_MISMATCH'],
  ['an empty dns name', { sanDns: [WEB, INSTANCE, ''] }, 'SAN_DNS_MISMATCH'],
  ['a dns name in upper case', { sanDns: [WEB.toUpperCase(), INSTANCE] }, 'SAN_DNS_MISMATCH'],
  ['a dns name with a dot at its end', { sanDns: [`${WEB}.`, INSTANCE] }, 'SAN_DNS_MISMATCH'],
  ['no address', { sanIp: [] }, 'SAN_IP_MISMATCH'],
  ['the address of another pod', { sanIp: ['10.1.2.4'] }, 'SAN_IP_MISMATCH'],
  ['a second address', { sanIp: ['10.1.2.3', '2001:db8::1'] }, 'SAN_IP_MISMATCH'],
  ['an address in two spellings', { sanIp: ['10.1.2.3', '10.1.2.3'] }, 'SAN_IP_MISMATCH'],
  ['an address in ipv6 clothes', { sanIp: ['::ffff:10.1.2.3'] }, 'SAN_IP_MISMATCH'],
  ['an octal address', { sanIp: ['10.1.2.03'] }, 'SAN_IP_MISMATCH'],
  ['no uri', { sanUri: [] }, 'SAN_URI_MISMATCH'],
  ['a uri of another namespace', { sanUri: ['spiffe://bank/sa/web'] }, 'SAN_URI_MISMATCH'],
  ['an instance uri besides', { sanUri: [...shown.sanUri, `athenz://instanceid/x/${UID}`] }, 'SAN_URI_MISMATCH'],
])('%s is denied', (_what, other, reason) => {
  const verdict = judge({ ...shown, ...other }, aPod(), rules)
  expect(verdict).toMatchObject(denied(reason))
})

test('no change of any one shown name is allowed (W6, T22)', () => {
  const keys = ['provider', 'domain', 'service', 'instanceId', 'sanDns', 'sanIp', 'sanUri'] as const
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.string(), fc.nat(60), (key, insert, at) => {
      fc.pre(insert !== '')
      const change = (text: string) => text.slice(0, at) + insert + text.slice(at)
      const value = shown[key]
      const changed = typeof value === 'string' ? change(value) : value.with(0, change(value[0] ?? ''))
      expect(judge({ ...shown, [key]: changed }, aPod(), rules).allow).toBe(false)
    }),
    { numRuns: 1_000 },
  )
})

test('a denial tells what was shown and what was wanted', () => {
  expect(judge({ ...shown, sanIp: ['0:0:0:0:0:0:0:1'] }, aPod(), rules)).toEqual({
    allow: false,
    reason: 'SAN_IP_MISMATCH',
    fields: { shown: ['::1'], wanted: ['10.1.2.3'] },
  })
})

describe('the life of the pod', () => {
  test.each(['Succeeded', 'Failed'] as const)('%s is denied, even to renew', (phase) => {
    for (const occasion of ['first', 'renewal'] as const) {
      expect(judge(shown, aPod({ phase }), { ...rules, occasion })).toMatchObject(denied('POD_ENDED'))
    }
  })

  test('a terminating pod may renew and not start', () => {
    const pod = aPod({ deleting: true })
    expect(judge(shown, pod, rules)).toMatchObject(denied('POD_TERMINATING'))
    expect(judge(shown, pod, { ...rules, occasion: 'renewal' }).allow).toBe(true)
  })

  test('a pod that was made again under its name has another instance id (W8)', () => {
    const pod = aPod({ uid: '00000000-0d7c-4c58-9c3a-2a7f6a1f0c11' })
    expect(judge(shown, pod, rules)).toMatchObject(denied('INSTANCE_ID_MISMATCH'))
  })

  test('a pod without address is told to wait', () => {
    const verdict = judge(shown, aPod({ ip: '' }), rules)
    expect(verdict).toMatchObject(denied('POD_IP_PENDING'))
    expect(!verdict.allow && kindOf(verdict.reason)).toBe('unavailable')
  })
})

describe('a pod that has no identity of its own', () => {
  test.each([
    ['its service account has dots', { serviceAccount: 'w.b' }, { service: 'w.b' }, 'SERVICE_REFUSED'],
    ['a pattern of dots would match', { serviceAccount: 'w.b' }, { service: 'web' }, 'SERVICE_REFUSED'],
    [
      'its namespace maps into the admin domain (W33)',
      { namespace: 'k8s-admin-kube--system' },
      { domain: 'k8s.admin.kube-system' },
      'NAMESPACE_REFUSED',
    ],
    ['it is on the network of its host', { hostNetwork: true }, {}, 'HOST_NETWORK_REFUSED'],
  ])('is denied when %s', (_why, pod, other, reason) => {
    expect(judge({ ...shown, ...other }, aPod(pod), rules)).toMatchObject(denied(reason))
  })

  test('unless its certificate goes without address, and then really without', () => {
    const noIp = { ...rules, names: someNameRules({ hostNetwork: 'no-ip' }) }
    const pod = aPod({ hostNetwork: true })
    expect(judge({ ...shown, sanIp: [] }, pod, noIp).allow).toBe(true)
    expect(judge(shown, pod, noIp)).toMatchObject(denied('SAN_IP_MISMATCH'))
  })
})

test('the shared dns name does not make one domain of three (W34)', () => {
  for (const namespace of ['media--on-air', 'media-on-air']) {
    expect(judge(shown, aPod({ namespace }), rules)).toMatchObject(denied('DOMAIN_MISMATCH'))
  }
})

describe('who may dial zts', () => {
  const node = { kind: 'node', addresses: ['192.168.0.7', '2001:db8::7'] } as const
  const cidrs = { kind: 'cidrs', cidrs: ['192.168.0.0/24', '2001:db8::/64'] } as const

  test.each([
    ['anyone is ignored', { kind: 'ignore' }, undefined, true],
    ['the node', node, '192.168.0.7', true],
    ['the node, in full ipv6', node, '2001:db8:0:0:0:0:0:7', true],
    ['the node, in ipv6 clothes', node, '::ffff:192.168.0.7', true],
    ['the pod and not the node', node, '10.1.2.3', false],
    ['nobody knows who', node, undefined, false],
    ['something that is no address', node, '192.168.0.7, 10.0.0.1', false],
    ['someone in the range', cidrs, '192.168.0.99', true],
    ['someone in the other range', cidrs, '2001:db8::99', true],
    ['someone outside', cidrs, '192.168.1.1', false],
    ['someone while no range is given', { kind: 'cidrs', cidrs: [] }, '192.168.0.7', false],
  ] as const)('%s: %j, %s: %s', (_who, clientIp, ip, allow) => {
    const verdict = judge({ ...shown, clientIp: ip }, aPod(), { ...rules, clientIp })
    expect(verdict.allow).toBe(allow)
    if (!allow) expect(verdict).toMatchObject(denied('CLIENT_IP_MISMATCH'))
  })
})
