import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { followClusterConfig } from './follow-cluster-config.ts'

const [old, next] = [await TestCa.create({ name: 'old' }), await TestCa.create({ name: 'next' })]

const bundle = (roots: readonly TestCa[]) => roots.map(({ certPem }) => certPem.trim()).join('\n').replaceAll('\n', '\n    ')

const START: Readonly<Record<string, string>> = {
  'dns-suffix': 'svc.cluster.local',
  'admin-domain': 'k8s.admin',
  'zts-endpoint': 'https://zts.test/zts/v1',
  'provider-service': 'k8s.admin.athenz-callback',
}

const textOf = (more: Readonly<Record<string, string>> = {}, roots: readonly TestCa[] = [old]): string => {
  const keys = Object.entries({ ...START, ...more }).map(([key, value]) => `${key}: ${value}\n`).join('')
  return `${keys}trust-roots:\n  athenz: |\n    ${bundle(roots)}\n  athenz-service: |\n    ${bundle(roots)}\n`
}

test('a new root of trust counts at once (W32, W37)', () => {
  const parse = followClusterConfig()
  expect(parse(textOf()).trustRoots.athenz).toBe(old.certPem)
  const both = parse(textOf({}, [old, next]))
  expect(both).toMatchObject({ trustRoots: { athenz: old.certPem + next.certPem }, waiting: [] })
  expect(parse(textOf({}, [next])).trustRoots.athenzService).toBe(next.certPem)
})

test.each([
  ['spiffe-form', 'trust-domain', { spiffeForm: 'trust-domain' }],
  ['trust-domain', 'example.org', { trustDomain: 'example.org' }],
  ['host-network', 'no-ip', { hostNetwork: 'no-ip' }],
  ['system-namespaces', '[monitoring]', { systemNamespaces: ['monitoring'] }],
])('%s may change at once (W37)', (key, value, fields) => {
  const parse = followClusterConfig()
  parse(textOf())
  expect(parse(textOf({ [key]: value }))).toMatchObject({ ...fields, waiting: [] })
})

test.each([
  ['dns-suffix', 'svc.other.local', { dnsSuffix: 'svc.cluster.local' }],
  ['admin-domain', 'other', { adminDomain: 'k8s.admin' }],
  ['zts-endpoint', 'https://other.test', { ztsEndpoint: 'https://zts.test/zts/v1' }],
  ['provider-service', 'k8s.admin.other', { providerService: 'k8s.admin.athenz-callback' }],
  ['auth-header', 'X-Auth', { authHeader: 'Athenz-Principal-Auth' }],
])('%s stays as it was at the start and is told as waiting, while roots in the same file count', (key, value, fields) => {
  const parse = followClusterConfig()
  parse(textOf())
  const now = parse(textOf({ [key]: value }, [old, next]))
  expect(now).toMatchObject({ ...fields, waiting: [key], trustRoots: { athenz: old.certPem + next.certPem } })
  expect(parse(textOf()).waiting).toEqual([])
})

test('what a program cannot go by is refused, and does not become the start', () => {
  const parse = followClusterConfig(({ adminDomain }) => {
    if (adminDomain === 'bad') throw new Error('not this one')
  })
  expect(() => parse(textOf({ 'admin-domain': 'bad' }))).toThrow('not this one')
  expect(parse(textOf()).waiting).toEqual([])
})
