import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { someDomain, someNamespace } from './testing/arbitraries.ts'
import { domainOf, isDomain, mangle, namespaceOf } from './naming.ts'

const rules = { adminDomain: 'k8s.admin', systemNamespaces: ['monitoring', 'ingress--nginx'] }
const REFUSED = expect.objectContaining({ code: 'NAMESPACE_REFUSED' })

const attempt = <T>(call: () => T): T | undefined => {
  try {
    return call()
  } catch (error) {
    expect(error).toMatchObject({ name: 'IdentityError', code: 'NAMESPACE_REFUSED' })
    return undefined
  }
}

test.each([
  ['sports', 'sports'],
  ['media-on--air', 'media.on-air'],
  ['a----b-c', 'a--b.c'],
  ['k8s-admin', 'k8s.admin'],
  ['k8s-administration', 'k8s.administration'],
  ['kube-system', 'k8s.admin.kube-system'],
  ['kube-a--b', 'k8s.admin.kube-a--b'],
  ['monitoring', 'k8s.admin.monitoring'],
  ['ingress--nginx', 'k8s.admin.ingress--nginx'],
])('namespace %s stands for domain %s, and back', (namespace, domain) => {
  expect(domainOf(namespace, rules)).toBe(domain)
  expect(namespaceOf(domain, rules)).toBe(namespace)
})

test.each([
  ['it maps onto the domain of kube-system (W33)', 'k8s-admin-kube--system'],
  ['it maps below the admin domain', 'k8s-admin-web'],
  ['it maps onto a configured system namespace', 'k8s-admin-monitoring'],
  ['a part of its domain would begin with a dash', 'a---b'],
  ['it has five dashes', 'a-----b'],
  ['it is empty', ''],
  ['it ends with a dash', 'a-'],
  ['it begins with a dash', '-a'],
  ['it is in upper case', 'Media'],
  ['it holds a dot', 'a.b'],
  ['it holds an underscore', 'a_b'],
  ['it ends with a newline', 'a\n'],
  ['it is 64 characters long', 'a'.repeat(64)],
])('a namespace has no domain when %s', (_why, namespace) => {
  expect(() => domainOf(namespace, rules)).toThrow(REFUSED)
})

test.each([
  ['it is no domain', 'a..b'],
  ['its namespace would be a system one', 'kube.system'],
  ['its namespace would be a configured system one', 'ingress-nginx'],
  ['it is below the admin domain and no system namespace', 'k8s.admin.web'],
  ['it is below a system namespace', 'k8s.admin.kube-system.web'],
  ['its namespace would be too long', `${'a.'.repeat(40)}a`],
  ['it holds an underscore, which no namespace can', 'a_b'],
])('a domain has no namespace when %s', (_why, domain) => {
  expect(namespaceOf(domain, rules)).toBeUndefined()
})

describe('as properties', () => {
  test('a namespace that has a domain is the namespace of that domain', () => {
    fc.assert(
      fc.property(someNamespace, (namespace) => {
        const domain = attempt(() => domainOf(namespace, rules))
        if (domain === undefined) return
        expect(isDomain(domain)).toBe(true)
        expect(namespaceOf(domain, rules)).toBe(namespace)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a domain that has a namespace is the domain of that namespace', () => {
    fc.assert(
      fc.property(someDomain, (domain) => {
        const namespace = namespaceOf(domain, rules)
        if (namespace !== undefined) expect(domainOf(namespace, rules)).toBe(domain)
      }),
      { numRuns: 2_000 },
    )
  })

  test('two namespaces never stand for one domain', () => {
    fc.assert(
      fc.property(someNamespace, someNamespace, (one, other) => {
        fc.pre(one !== other)
        const domain = attempt(() => domainOf(one, rules))
        if (domain !== undefined) expect(attempt(() => domainOf(other, rules))).not.toBe(domain)
      }),
      { numRuns: 2_000 },
    )
  })

  test('two domains never have one mangled spelling', () => {
    fc.assert(
      fc.property(someDomain, someDomain, (one, other) => {
        fc.pre(one !== other)
        expect(mangle(one)).not.toBe(mangle(other))
      }),
      { numRuns: 2_000 },
    )
  })

  test('only system namespaces are below the admin domain', () => {
    const nearAdmin = fc.stringMatching(/^k8s-{1,3}admin-{1,3}[a-z-]{0,12}$/)
    fc.assert(
      fc.property(fc.oneof(someNamespace, nearAdmin), (namespace) => {
        const domain = attempt(() => domainOf(namespace, rules))
        const isSystem = namespace.startsWith('kube-') || rules.systemNamespaces.includes(namespace)
        expect(domain?.startsWith('k8s.admin.') ?? isSystem).toBe(isSystem)
      }),
      { numRuns: 2_000 },
    )
  })
})
