import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalIp, isCidr, isWithin } from './ip.ts'
import { someIp } from './testing/arbitraries.ts'

describe('canonical text', () => {
  test('of canonical text is itself', () => {
    fc.assert(
      fc.property(someIp, (ip) => {
        expect(canonicalIp(canonicalIp(ip)!)).toBe(canonicalIp(ip))
      }),
    )
  })

  test('of IPv4 is the text itself, when every part is a number to 255 without a zero before it', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '01', '', '25 ', '-1', '1e1'))
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const isOne = parts.length === 4 && parts.every((it) => /^\d+$/.test(it) && String(Number(it)) === it && Number(it) < 256)
        expect(canonicalIp(parts.join('.'))).toBe(isOne ? parts.join('.') : undefined)
      }),
      { numRuns: 1_000 },
    )
  })

  test('is one for all spellings of an address', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, (numbers) => {
        const java = numbers.map((group) => group.toString(16)).join(':')
        const padded = numbers.map((group) => group.toString(16).toUpperCase().padStart(4, '0')).join(':')
        expect(canonicalIp(java)).toBe(canonicalIp(padded))
        expect(canonicalIp(java)).toBe(new URL(`http://[${java}]/`).hostname.slice(1, -1))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::FFFF:1.2.3.4', '::ffff:102:304'],
    ['1.2.3.4', '1.2.3.4'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical)
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '0x1.2.3.4',
    '16909060',
    '1.2.3.4/32',
    ' 1.2.3.4',
    '1.2.3.4\n',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    '[::1]',
    '12345::',
    `::${'0'.repeat(1_000)}1`,
  ])('of %j there is none', (text) => {
    expect(canonicalIp(text)).toBeUndefined()
  })
})

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '10.1.2.3/32', true],
  ['10.1.2.3', '10.99.99.99/8', true],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['2001:DB8::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['::ffff:10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '::/0', false],
  ['::1', '0.0.0.0/0', false],
  ['nobody', '0.0.0.0/0', false],
  ['10.1.2.3', 'nowhere', false],
])('%s in %s: %s', (ip, cidr, within) => {
  expect(isWithin(ip, [cidr])).toBe(within)
})

test('an address may be in any of several ranges, and in none of no ranges', () => {
  expect(isWithin('10.1.2.3', ['192.168.0.0/16', '10.0.0.0/8'])).toBe(true)
  expect(isWithin('10.1.2.3', [])).toBe(false)
})

test.each([
  ['10.0.0.0/8', true],
  ['::/128', true],
  ['10.0.0.0', false],
  ['10.0.0.0/33', false],
  ['::/129', false],
  ['10.0.0.0/-1', false],
  ['10.0.0.0/08', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0.0/', false],
  ['a/8', false],
])('%s is a range: %s', (text, is) => {
  expect(isCidr(text)).toBe(is)
})
