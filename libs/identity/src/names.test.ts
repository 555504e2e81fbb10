import { describe, expect, test } from 'vitest'
import { instanceDnsName, serviceDnsName, workloadOf } from './names.ts'
import { namespaceOf } from './naming.ts'
import { aPod, someNameRules } from './testing/index.ts'

const UID = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'

test('a workload has the names that its pod, and nothing else, implies (C7, W8)', () => {
  expect(workloadOf(aPod(), someNameRules())).toEqual({
    domain: 'media.on-air',
    service: 'web',
    instanceId: UID,
    names: {
      commonName: 'media.on-air.web',
      dns: ['web.media-on-air.svc.cluster.local', `${UID}.instanceid.athenz.svc.cluster.local`],
      ip: ['10.1.2.3'],
      uri: ['spiffe://media.on-air/sa/web'],
    },
  })
})

test.each([
  ['service', ['spiffe://media.on-air/sa/web']],
  ['trust-domain', ['spiffe://athenz.io/ns/media-on--air/sa/media.on-air.web']],
  ['original', ['spiffe://cluster.local/ns/media-on--air/sa/web']],
  ['none', []],
] as const)('the spiffe form %s gives %j', (spiffeForm, uri) => {
  expect(workloadOf(aPod(), someNameRules({ spiffeForm })).names.uri).toEqual(uri)
})

test('the original spiffe form keeps a dns suffix that does not begin with svc', () => {
  const rules = someNameRules({ spiffeForm: 'original', dnsSuffix: 'prod.example' })
  expect(workloadOf(aPod(), rules).names.uri).toEqual(['spiffe://prod.example/ns/media-on--air/sa/web'])
})

test('an address is in canonical text, however the pod shows it (C7)', () => {
  const pods = ['2001:DB8:0:0:0:0:0:1', '0:0:0:0:0:0:0:1'].map((ip) => aPod({ ip }))
  const ips = pods.map((pod) => workloadOf(pod, someNameRules()).names.ip)
  expect(ips).toEqual([['2001:db8::1'], ['::1']])
})

describe('a pod on the network of its host', () => {
  test('is refused by default', () => {
    expect(() => workloadOf(aPod({ hostNetwork: true }), someNameRules())).toThrow(
      expect.objectContaining({ code: 'HOST_NETWORK_REFUSED', kind: 'denied' }),
    )
  })

  test('has no address in its certificate where the rules let it have one', () => {
    const rules = someNameRules({ hostNetwork: 'no-ip' })
    expect(workloadOf(aPod({ hostNetwork: true }), rules).names.ip).toEqual([])
  })
})

test.each(['', 'pending', '10.1.2.256', '010.1.2.3', 'fe80::1%eth0'])(
  'a pod whose address is %j is told to wait, not denied',
  (ip) => {
    expect(() => workloadOf(aPod({ ip }), someNameRules())).toThrow(
      expect.objectContaining({ code: 'POD_IP_PENDING', kind: 'unavailable' }),
    )
  },
)

test.each(['a.b', '', 'a/b', '-a', 'a b', 'a*', 'ä', 'a\n'])(
  'a service account named %j is no athenz service',
  (serviceAccount) => {
    expect(() => workloadOf(aPod({ serviceAccount }), someNameRules())).toThrow(
      expect.objectContaining({ code: 'SERVICE_REFUSED', kind: 'denied' }),
    )
  },
)

test('domains that differ in dots and dashes alone share a dns name and nothing else (W34)', () => {
  const names = ['foo-bar--baz', 'foo-bar-baz', 'foo--bar-baz'].map(
    (namespace) => workloadOf(aPod({ namespace }), someNameRules()).names,
  )
  expect(new Set(names.map((it) => it.dns[0]))).toEqual(new Set(['web.foo-bar-baz.svc.cluster.local']))
  expect(new Set(names.map((it) => it.commonName)).size).toBe(3)
  expect(new Set(names.map((it) => it.uri[0])).size).toBe(3)
})

test.each([
  ['media.on-air', 'web', 'web.media-on-air.svc.cluster.local'],
  ['k8s.admin', 'athenz-jwt-service', 'athenz-jwt-service.k8s-admin.svc.cluster.local'],
  ['k8s.my-admin', 'athenz-callback', 'athenz-callback.k8s-my-admin.svc.cluster.local'],
  ['k8s.admin.kube-system', 'dns', 'dns.k8s-admin-kube-system.svc.cluster.local'],
])('the dns name of %s.%s is the one that zts certifies, for pods and for services with a key alike (W34, C7, C8)', (domain, service, name) => {
  expect(serviceDnsName(domain, service, 'svc.cluster.local')).toBe(name)
  const namespace = namespaceOf(domain, someNameRules()) ?? 'none'
  expect(workloadOf(aPod({ namespace, serviceAccount: service }), someNameRules()).names.dns[0]).toBe(name)
})

test('the instance id is a label of its own below the suffix', () => {
  expect(instanceDnsName('id', 'svc.cluster.local')).toBe('id.instanceid.athenz.svc.cluster.local')
})
