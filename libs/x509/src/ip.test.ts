import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipOctets, ipText } from './ip.ts'

/** As the parser and writer of URLs have it (WHATWG URL, 3.5), which is another one than ours. */
const ofUrl = (text: string): string => new URL(`http://[${text}]`).hostname.slice(1, -1)

const octet = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }))
const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).chain((some) => fc.tuple(...[...some].map((it) => fc.oneof(fc.constant(0), fc.constant(it), octet))))

test('octets of IPv6 have one text, and come back from it', () => {
  fc.assert(
    fc.property(v6, (octets) => {
      const bytes = Uint8Array.from(octets)
      const long = Array.from({ length: 8 }, (_, i) => bytes.subarray(2 * i, 2 * i + 2).toHex()).join(':')
      expect(ipText(bytes)).toBe(ofUrl(long))
      for (const text of [ipText(bytes), long, long.toUpperCase()]) expect(ipOctets(text)).toEqual(bytes)
    }),
  )
})

test('octets of IPv4 have one text, and come back from it', () => {
  fc.assert(fc.property(fc.tuple(octet, octet, octet, octet), (octets) => { expect([...ipOctets(ipText(Uint8Array.from(octets)))]).toEqual(octets) }))
  expect(ipText(Uint8Array.of(10, 0, 255, 3))).toBe('10.0.255.3')
})

test.each(['::', '1::', '::1', '1::2', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '::ffff:1.2.3.4', '1:2:3:4:5:6:1.2.3.4', '::1.2.3.4', '::FFFF', '1:0:0:2::3', '0:0:1::1:0:0'])(
  '%s is read as others read it',
  (text) => {
    expect(ipText(ipOctets(text))).toBe(ofUrl(text))
  },
)

const isAddress = (text: string): boolean => {
  try {
    return ofUrl(text) !== ''
  } catch {
    return false
  }
}

test('what is no address for others is none here', () => {
  let refused = 0
  const part = fc.constantFrom(':', '::', '.', '0', '1', '12', '255', '256', 'f', 'ffff', '12345', '%', 'g', ' ', '-')
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 17 }), (parts) => {
      const text = parts.join('')
      if (!text.includes(':') || isAddress(text)) return
      expect(() => ipOctets(text)).toThrow('not an ip address')
      refused++
    }),
    { numRuns: 2_000 },
  )
  expect(refused).toBeGreaterThan(100)
})

test.each(['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.256', '0x1.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '٣.2.3.4', 'fe80::1%eth0', '1:', ':1', '1::2::3', ':::', '::1\n', '1.2.3.4::', '::1.2.3', '::01.2.3.4', '00001::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3::4:5:6:7:8'])(
  '%j is no address',
  (text) => {
    expect(() => ipOctets(text)).toThrow('not an ip address')
  },
)

test.each([0, 3, 5, 15, 17])('%i octets are no address', (length) => {
  expect(() => ipText(new Uint8Array(length))).toThrow('neither an ipv4 nor an ipv6 address')
})
