/** Names as certificates may carry them, at random. */
import * as fc from 'fast-check'
import type { CsrNames } from '../csr.ts'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
const dnsName = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))
const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'))
/** Without runs of zeros, so that the text is canonical as it is. */
const ipv6 = fc
  .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((parts) => parts.map((part) => part.toString(16)).join(':'))

export const someNames: fc.Arbitrary<Required<CsrNames>> = fc.record({
  commonName: fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,60}$/),
  dns: fc.uniqueArray(dnsName, { maxLength: 4 }),
  ip: fc.uniqueArray(fc.oneof(ipv4, ipv6), { maxLength: 4 }),
  uri: fc.uniqueArray(
    fc.tuple(dnsName, label).map(([host, path]) => `spiffe://${host}/sa/${path}`),
    { maxLength: 2 },
  ),
  email: fc.uniqueArray(
    fc.tuple(dnsName, dnsName).map(([principal, host]) => `${principal}@${host}`),
    { maxLength: 2 },
  ),
})
