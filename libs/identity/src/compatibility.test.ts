/** What the names of things were in the original and still are, by our own code (spec/athenz-suite.md 1.4, 1.5, 4, 7.3, 18). */
import { expect, test } from 'vitest'
import {
  DOCUMENT_AUDIENCE,
  domainOf,
  formatKeyId,
  formatKeyUri,
  formatSubject,
  namespaceOf,
  parseKeyId,
  parseNToken,
  parseSubject,
  type SpiffeForm,
  workloadOf,
} from './index.ts'
import { aPod, someNameRules } from './testing/index.ts'

const rules = { adminDomain: 'k8s.admin', systemNamespaces: ['monitoring'] }

test.each([
  ['a dash is a dot', 'user-apps', 'user.apps'],
  ['two dashes are a dash', 'foo-bar--baz', 'foo.bar-baz'],
  ['kube-… is below the admin domain', 'kube-system', 'k8s.admin.kube-system'],
  ['so is what system-namespaces names', 'monitoring', 'k8s.admin.monitoring'],
  ['the admin domain has its own namespace', 'k8s-admin', 'k8s.admin'],
])('%s: the namespace %s is the domain %s, and back (C10)', (_name, namespace, domain) => {
  expect(domainOf(namespace, rules)).toBe(domain)
  expect(namespaceOf(domain, rules)).toBe(namespace)
})

test('DEVIATION: a namespace that would pass for a system one has no domain (C10, W33)', () => {
  expect(() => domainOf('k8s-admin-kube--system', rules)).toThrow(expect.objectContaining({ code: 'NAMESPACE_REFUSED' }))
})

test('a subject is written and read as by the original, order and escapes included (C6)', () => {
  const text = 'pod:user-apps/web-0?d=user.apps&n=web&i=10.1.2.3'
  const subject = { namespace: 'user-apps', name: 'web-0', domain: 'user.apps', service: 'web', ip: '10.1.2.3' }
  expect(formatSubject(subject)).toBe(text)
  expect(parseSubject(text)).toEqual(subject)
  expect(formatSubject({ ...subject, ip: '2001:db8::1' })).toBe('pod:user-apps/web-0?d=user.apps&n=web&i=2001%3Adb8%3A%3A1')
})

test.each(['?d=user.apps&n=web&i=10.1.2.3&s=10.0.0.1', '?n=web&d=user.apps&i=10.1.2.3', '?d=user.apps&n=web&i='])(
  'a subject that says more, less or in another order is none, as in the original: %s (C6)',
  (query) => {
    expect(() => parseSubject(`pod:user-apps/web-0${query}`)).toThrow(expect.objectContaining({ code: 'DOCUMENT_MALFORMED' }))
  },
)

test('keys are files <name>.v<N>, and secret:<name>?version=v<N> in header and claims (C6)', () => {
  const key = { name: 'athenz-init-secret', version: 12 }
  expect(formatKeyId(key)).toBe('athenz-init-secret.v12')
  expect(parseKeyId('athenz-init-secret.v12')).toEqual(key)
  expect(formatKeyUri(key)).toBe('secret:athenz-init-secret?version=v12')
  expect(DOCUMENT_AUDIENCE).toBe('k8s-athenz-identity')
})

test.each(['..data', 'athenz-init-secret', 'athenz-init-secret.v', 'athenz-init-secret.v-1', 'athenz-init-secret.1'])(
  'a file called %s is no key, and passed over (C6)',
  (name) => expect(parseKeyId(name)).toBeUndefined(),
)

test('DEVIATION: of a pod the instance id is its UID, no longer its name (C7, W8)', () => {
  const { instanceId, names } = workloadOf(aPod({ namespace: 'user-apps' }), someNameRules())
  expect(instanceId).toBe(aPod().uid)
  expect(names.commonName).toBe('user.apps.web')
  expect(names.dns).toEqual(['web.user-apps.svc.cluster.local', `${aPod().uid}.instanceid.athenz.svc.cluster.local`])
  expect(names.ip).toEqual(['10.1.2.3'])
})

test.each<[SpiffeForm, readonly string[]]>([
  ['original', ['spiffe://cluster.local/ns/user-apps/sa/web']],
  ['service', ['spiffe://user.apps/sa/web']],
  ['trust-domain', ['spiffe://athenz.io/ns/user-apps/sa/user.apps.web']],
  ['none', []],
])('DEVIATION: the form of the URI is a setting; %s is one, service the default (C7)', (spiffeForm, uri) => {
  expect(workloadOf(aPod({ namespace: 'user-apps' }), someNameRules({ spiffeForm })).names.uri).toEqual(uri)
})

test('a principal token in the order of fields that the original writes is read (C8)', () => {
  const text = 'v=S1;d=k8s.admin;n=athenz-callback;k=v1;h=host;i=10.1.2.3;a=0a1b;t=1000;e=4600;s=AQ--'
  expect(parseNToken(text)?.claims).toEqual({
    domain: 'k8s.admin',
    service: 'athenz-callback',
    keyId: 'v1',
    host: 'host',
    ip: '10.1.2.3',
    salt: '0a1b',
    issuedAt: 1_000,
    expiresAt: 4_600,
  })
})
