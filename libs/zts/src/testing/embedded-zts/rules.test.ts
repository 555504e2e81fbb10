import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { javaAddress } from './provider/confirmation.ts'
import { isAllowed, suffixesOf } from './authorise.ts'
import { createCertificateRecords } from './instances/records.ts'
import { lifeMinutes } from './instances/terms.ts'
import { worldOf } from './world.ts'

const instance = { provider: 'p.q', domain: 'd', service: 's', instanceId: 'i' }

describe('certificate records', () => {
  test('current and previous go on, anything else ends the lineage', () => {
    const records = createCertificateRecords()
    records.start(instance, 'a')
    records.advance(instance, records.check(instance, 'a'), 'b')
    expect(records.get(instance)).toEqual({ current: 'b', previous: 'a' })
    records.advance(instance, records.check(instance, 'a'), 'c')
    expect(records.get(instance)).toEqual({ current: 'c', previous: 'a' })
    expect(() => records.check(instance, 'b')).toThrow('Certificate revoked')
    expect(() => records.check(instance, 'c')).toThrow('Certificate revoked')
    expect(records.get(instance)).toEqual({ current: '-1', previous: '-1' })
  })

  test('what was read before another refresh is written over it', () => {
    const records = createCertificateRecords()
    records.start(instance, 'a')
    const [one, other] = [records.check(instance, 'a'), records.check(instance, 'a')]
    records.advance(instance, one, 'b')
    records.advance(instance, other, 'c')
    expect(records.get(instance)).toEqual({ current: 'c', previous: 'a' })
  })

  test('instances do not mix', () => {
    const records = createCertificateRecords()
    records.start(instance, 'a')
    for (const key of ['provider', 'domain', 'service', 'instanceId']) {
      expect(() => records.check({ ...instance, [key]: 'x' }, 'a')).toThrow('Unable to find certificate record')
    }
  })
})

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['2001:db8::1', '2001:db8:0:0:0:0:0:1'],
  ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1:0:0:0:1'],
  ['fe80::', 'fe80:0:0:0:0:0:0:0'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
])('Java writes %s as %s', (address, written) => {
  expect(javaAddress(address)).toBe(written)
})

test('every IPv6 address has eight groups and means the same', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const written = javaAddress(address)
      if (written.includes('.')) return
      expect(written.split(':')).toHaveLength(8)
      expect(new URL(`http://[${written}]`).hostname).toBe(new URL(`http://[${address}]`).hostname)
    }),
  )
})

test('no life is longer than any wish, and none without a wish is longer than the default', () => {
  const minutes = fc.integer({ min: -10, max: 10 ** 8 })
  fc.assert(
    fc.property(fc.array(minutes), fc.option(fc.integer({ min: 1, max: 10 ** 6 })), (wishes, cap) => {
      const life = lifeMinutes(wishes, cap ?? undefined)
      const stated = wishes.filter((wish) => wish > 0)
      expect(life).toBe(Math.min(stated.length === 0 ? 43_200 : Math.min(...stated), cap ?? Infinity))
    }),
  )
})

describe('policies', () => {
  const provider = 'k8s.identity'
  const world = worldOf({ provider, endpoint: 'https://x', dnsSuffixes: ['a.test'], services: ['shop.cart'] })
  const shop = world.domains['shop']!

  test.each([
    ['what is allowed', 'k8s.identity', 'launch', 'shop:service.cart', true],
    ['another action', 'k8s.identity', 'delete', 'shop:service.cart', false],
    ['another resource', 'k8s.identity', 'launch', 'shop:service.cartx', false],
    ['another principal', 'k8s.identityx', 'launch', 'shop:service.cart', false],
    ['a dot that is a letter elsewhere', 'k8s.identity', 'launch', 'shop:servicexcart', false],
    ['a domain that is none', 'k8s.identity', 'launch', 'bank:service.cart', false],
    ['no domain', 'k8s.identity', 'launch', 'service', false],
  ])('%s', (_name, principal, action, resource, allowed) => {
    expect(isAllowed(world, principal, action, resource)).toBe(allowed)
  })

  test('a star stands for any text, and a denial is stronger', () => {
    shop.roles['all'] = ['k8s.*']
    shop.policies.push({ role: 'all', action: '*', resource: 'shop:service.*' })
    expect(isAllowed(world, 'k8s.other', 'anything', 'shop:service.till')).toBe(true)
    shop.policies.push({ role: 'all', action: 'launch', resource: 'shop:service.till', effect: 'deny' })
    expect(isAllowed(world, 'k8s.other', 'launch', 'shop:service.till')).toBe(false)
  })

  test('suffixes are only for those whom a role names literally', () => {
    expect(suffixesOf(world, 'k8s.identity').dns).toEqual(['.a.test'])
    world.domains['sys.auth']!.roles['providers'] = ['k8s.*']
    expect(suffixesOf(world, 'k8s.identity').dns).toEqual([])
  })
})
