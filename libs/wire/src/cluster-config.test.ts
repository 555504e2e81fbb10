import { ConfigError } from '@pallas/config'
import { TestCa } from '@pallas/x509/testing'
import { describe, expect, test } from 'vitest'
import { parseClusterConfig } from './cluster-config.ts'

const { certPem } = await TestCa.create()
const indented = certPem.trimEnd().replaceAll('\n', '\n    ')
const REQUIRED = `
dns-suffix: svc.cluster.local
admin-domain: k8s.admin
zts-endpoint: https://zts.k8s-admin.svc.cluster.local:4443/zts/v1
provider-service: k8s.admin.athenz-callback
trust-roots:
  athenz: |
    ${indented}
  athenz-service: |
    ${indented}
    ${indented}
`

/** What is wrong with a text. */
function problemsOf(text: string): readonly string[] {
  try {
    parseClusterConfig(text)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return error instanceof ConfigError ? error.problems : []
  }
  return []
}

test('the original keys are enough; ours have defaults', () => {
  expect(parseClusterConfig(REQUIRED)).toEqual({
    dnsSuffix: 'svc.cluster.local',
    adminDomain: 'k8s.admin',
    ztsEndpoint: 'https://zts.k8s-admin.svc.cluster.local:4443/zts/v1',
    providerService: 'k8s.admin.athenz-callback',
    trustRoots: { athenz: certPem, athenzService: certPem + certPem },
    authHeader: 'Athenz-Principal-Auth',
    systemNamespaces: [],
    spiffeForm: 'service',
    trustDomain: 'athenz.io',
    hostNetwork: 'refuse',
  })
})

test('every key may be said', () => {
  const text = `${REQUIRED}
auth-header: X-Auth
system-namespaces: [monitoring, ingress]
spiffe-form: trust-domain
trust-domain: example.org
host-network: no-ip
`
  expect(parseClusterConfig(text)).toMatchObject({
    authHeader: 'X-Auth',
    systemNamespaces: ['monitoring', 'ingress'],
    spiffeForm: 'trust-domain',
    trustDomain: 'example.org',
    hostNetwork: 'no-ip',
  })
})

test('a slash at the end of the endpoint is dropped, so that paths can be joined', () => {
  const text = REQUIRED.replace('/zts/v1', '/zts/v1/')
  expect(parseClusterConfig(text).ztsEndpoint).toBe('https://zts.k8s-admin.svc.cluster.local:4443/zts/v1')
})

test('one bundle for both roots may be said once', () => {
  const named = REQUIRED.replace('athenz: |', 'athenz: &roots |')
  const text = named.replace(/athenz-service: [^]*$/, 'athenz-service: *roots\n')
  expect(parseClusterConfig(text).trustRoots).toEqual({ athenz: certPem, athenzService: certPem })
})

test('all that is missing is told at once', () => {
  expect(problemsOf('{}')).toEqual([
    'dns-suffix is missing',
    'admin-domain is missing',
    'zts-endpoint is missing',
    'provider-service is missing',
    'trust-roots.athenz is missing',
    'trust-roots.athenz-service is missing',
  ])
})

test('all that is wrong is told at once, key by key', () => {
  const text = REQUIRED.replace('svc.cluster.local\n', 'Cluster!\n').replace('k8s.admin\n', 'k8s..admin\n')
  expect(problemsOf(`${text}\ncolour: red\nhost-network: maybe\n`)).toEqual([
    'dns-suffix must be a dns name such as svc.cluster.local',
    'admin-domain must be an athenz domain',
    'host-network must be one of refuse, no-ip',
    'colour is not a key of this file',
  ])
})

test.each([
  ['dns-suffix: .cluster.local', 'dns-suffix must be'],
  ['dns-suffix: 5', 'dns-suffix must be'],
  ['dns-suffix: [a]', 'dns-suffix must be'],
  ['dns-suffix: ~', 'dns-suffix is missing'],
  ['admin-domain: K8S', 'admin-domain must be'],
  ['zts-endpoint: http://zts/zts/v1', 'zts-endpoint must be'],
  ['zts-endpoint: https://', 'zts-endpoint must be'],
  ['zts-endpoint: https://user@zts/v1', 'zts-endpoint must be'],
  ['zts-endpoint: https://zts/v1?x=y', 'zts-endpoint must be'],
  ['provider-service: callback', 'provider-service must be'],
  ['auth-header: "a: b"', 'auth-header must be'],
  ['auth-header: ""', 'auth-header must be'],
  ['system-namespaces: kube-system', 'system-namespaces must be'],
  ['system-namespaces: [a.b]', 'system-namespaces must be'],
  ['system-namespaces: [1]', 'system-namespaces must be'],
  ['spiffe-form: Service', 'spiffe-form must be one of service, trust-domain, original, none'],
  ['trust-domain: spiffe://example', 'trust-domain must be'],
  ['host-network: true', 'host-network must be'],
  ['trust-roots: everyone', 'trust-roots must be a map'],
])('%s is told', (line, problem) => {
  const key = line.slice(0, line.indexOf(':'))
  const others = REQUIRED.replace(new RegExp(`\n${key}:.*(\n .*)*`), '')
  expect(problemsOf(`${others}\n${line}`)[0]).toContain(problem)
})

test.each([
  ['no pem', 'words'],
  ['a key', '-----BEGIN PRIVATE KEY-----\n    AAAA\n    -----END PRIVATE KEY-----'],
  ['a certificate cut short', certPem.slice(0, 100).replaceAll('\n', '\n    ')],
])('a trust root that is %s is told, and not shown', (_what, pem) => {
  const text = REQUIRED.replace(/athenz-service: [^]*$/, `athenz-service: |\n    ${pem}\n  other: x\n`)
  expect(problemsOf(text)).toEqual([
    'trust-roots.athenz-service must be a bundle of pem certificates',
    'trust-roots.other is not a key of this file',
  ])
})

describe('a text that is no such file', () => {
  test.each([
    ['is empty', '', 'must be a map'],
    ['is a list', '- a', 'must be a map'],
    ['is a word', 'word', 'must be a map'],
    ['says a key twice', 'a: 1\na: 2', 'not yaml: DUPLICATE_KEY at character'],
    ['is two documents', 'a: 1\n---\nb: 2', 'not yaml: MULTIPLE_DOCS'],
    ['is cut off', 'a: [1', 'not yaml'],
    ['has a tag of its own', 'a: !!js/function x', 'not yaml'],
    ['has a list for a key', '? [a]\n: 1', 'not yaml'],
    ['refers to what is not there', 'a: *b', 'not yaml'],
    ['is longer than 1 MiB', `a: ${'x'.repeat(1_048_576)}`, 'longer than 1 MiB'],
  ])('that %s is refused', (_why, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)])
  })

  test('that multiplies itself by aliases is refused, quickly', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`)
    expect(problemsOf(['l0: &l0 [x]', ...levels].join('\n'))).toEqual(['the file is not yaml that can be read'])
  })

  test('that is nested without end is refused, quickly', () => {
    expect(problemsOf(`a: ${'['.repeat(100_000)}`)).toHaveLength(1)
  })

  test('has no prototype to change', () => {
    expect(problemsOf(`${REQUIRED}\n__proto__: {dns-suffix: evil}\n`)).toEqual(['__proto__ is not a key of this file'])
  })
})
