import { describe, expect, test } from 'vitest'
import { dnsName } from './alt-names.ts'
import { createCsr, readCsr, verifyCsr } from './csr.ts'
import { type Der, readDer, writeDer } from './der.ts'
import { extension } from './extensions.ts'
import { OID, oid } from './oid.ts'
import { fromPem, toPem } from './pem.ts'
import { writeSigned } from './signed.ts'
import { writeSubject } from './subject.ts'
import { nodeKey, nodeVerify } from './testing/node-keys.ts'
import { asContext, ascii, integer, octets, primitive, sequence, set, TAG, utf8, wrapped } from './values.ts'

const LABEL = 'CERTIFICATE REQUEST'
const key = nodeKey()
const good = fromPem(
  await createCsr({ commonName: 'a.b', dns: ['x.y'], ip: ['10.0.0.1'], uri: ['spiffe://a/sa/b'] }, key),
  LABEL,
)

const subject = writeSubject([{ oid: OID.commonName, value: 'a.b' }])
const sans = extension(OID.subjectAltName, sequence(dnsName('x.y')))
const asking = (...extensions: readonly Der[]) => sequence(oid(OID.extensionRequest), set(sequence(...extensions)))
const bytes = (...values: readonly number[]) => Uint8Array.from(values)

/** A request, rightly signed, with some parts other than they should be. */
async function csrWith(parts: { version?: Der; subject?: Der; spki?: Der; attributes?: Der; more?: readonly Der[] }) {
  const { version = integer(bytes(0)), spki = readDer(key.spki), attributes = wrapped(0, asking(sans)) } = parts
  return writeSigned(sequence(version, parts.subject ?? subject, spki, attributes, ...(parts.more ?? [])), key)
}

const withExtension = (one: Der) => csrWith({ attributes: wrapped(0, asking(one)) })
const withSans = (...names: readonly Der[]) => withExtension(extension(OID.subjectAltName, sequence(...names)))
const withCommonNames = (...values: readonly Der[]) =>
  csrWith({ subject: sequence(...values.map((value) => set(sequence(oid(OID.commonName), value)))) })

const read = (der: Uint8Array) => readCsr(toPem(LABEL, der))
const MALFORMED = expect.objectContaining({ name: 'X509Error', code: 'X509_MALFORMED' })

test('the surgery below is done on a request that is fine', async () => {
  expect(read(await csrWith({}))).toMatchObject({ commonName: 'a.b', names: { dns: ['x.y'] } })
})

const name = (text: string) => ascii(asContext(2), text)

function patched(der: Uint8Array<ArrayBuffer>, from: string, to: string) {
  Buffer.from(der.buffer).write(to, Buffer.from(der).lastIndexOf(from), 'latin1')
  return der
}

test.each<[string, () => Promise<Uint8Array>]>([
  ['the version is 2', () => csrWith({ version: integer(bytes(1)) })],
  ['the version is negative', () => csrWith({ version: primitive(TAG.integer, bytes(0xff)) })],
  ['a part follows the attributes', () => csrWith({ more: [wrapped(1)] })],
  ['the attributes are missing', () => csrWith({ attributes: sequence() })],
  ['an attribute occurs twice', () => csrWith({ attributes: wrapped(0, asking(sans), asking(sans)) })],
  ['the attribute holds two lists of extensions', () =>
    csrWith({ attributes: wrapped(0, sequence(oid(OID.extensionRequest), set(sequence(sans), sequence(sans)))) })],
  ['the alternative names occur twice', () => csrWith({ attributes: wrapped(0, asking(sans, sans)) })],
  ['the list of extensions is empty', () => csrWith({ attributes: wrapped(0, asking()) })],
  ['the list of names is empty', () => withSans()],
  ['the names are followed by a byte', () =>
    withExtension(sequence(oid(OID.subjectAltName), octets(bytes(0x30, 0, 0))))],
  ['critical is neither true nor false', () =>
    withExtension(sequence(oid(OID.subjectAltName), primitive(TAG.boolean, bytes(1)), octets(bytes(0x30, 0))))],
  ['a dns name holds a nul', () => withSans(name('good.example\0.evil.example'))],
  ['a dns name begins with a nul', async () => patched(await withSans(name('Za')), 'Za', '\0a')],
  ['a dns name is not ascii', () => withSans(name('bücher.example'))],
  ['a dns name is empty', () => withSans(name(''))],
  ['a dns name is longer than 8 KiB', () => withSans(name('x'.repeat(8_193)))],
  ['a dns name is constructed', () => withSans({ tag: 0xa2, children: [utf8('x')] })],
  ['a uri holds a newline', () => withSans(ascii(asContext(6), 'spiffe://a\n'))],
  ['an address has three bytes', () => withSans(primitive(asContext(7), bytes(10, 0, 0)))],
  ['an address has a mask', () => withSans(primitive(asContext(7), bytes(10, 0, 0, 0, 255, 0, 0, 0)))],
  ['an address is empty', () => withSans(primitive(asContext(7), bytes()))],
  ['the subject is a set', () => csrWith({ subject: set() })],
  ['a part of the subject is empty', () => csrWith({ subject: sequence(set()) })],
  ['the common name occurs twice', () => withCommonNames(utf8('a'), utf8('a'))],
  ['the common name holds a nul', () => withCommonNames(utf8('a\0b'))],
  ['the common name is not utf-8', () => withCommonNames(primitive(TAG.utf8, bytes(0xc3)))],
  ['the common name is a number', () => withCommonNames(integer(bytes(1)))],
  ['the common name is printable but not ascii', () => withCommonNames(utf8('bücher'))],
  ['the key is no sequence', () => csrWith({ spki: integer(bytes(1)) })],
])('a request is refused when %s', async (_when, make) => {
  const der = await make()
  expect(() => read(der)).toThrow(MALFORMED)
})

describe('bytes that are not der', () => {
  const header = good.subarray(0, 4)
  const body = good.subarray(4)

  test('a request that is cut off at any length is refused (T44)', () => {
    for (let length = 0; length < good.length; length++) expect(() => read(good.subarray(0, length))).toThrow(MALFORMED)
  })

  test('a request with any one byte changed is refused, read with other content, or no longer verifies (T44)', async () => {
    for (let at = 0; at < good.length; at++) {
      const changed = good.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x41
      const csr = attempt(changed)
      if (csr !== undefined) expect(await verifyCsr(csr, nodeVerify)).toBe(false)
    }
  })

  test.each([
    ['a byte follows', Uint8Array.of(...good, 0)],
    ['the outer length is indefinite', Uint8Array.of(0x30, 0x80, ...body, 0, 0)],
    ['the outer length is written in too many bytes', Uint8Array.of(0x30, 0x83, 0, ...header.subarray(2), ...body)],
    ['the outer length promises four gigabytes', Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, ...body)],
    ['the outer length has 126 bytes', Uint8Array.of(0x30, 0xfe, ...body)],
    ['the outer tag is a set', Uint8Array.of(0x31, ...good.subarray(1))],
    ['it is longer than 64 KiB', new Uint8Array(65_537).fill(0x30)],
    ['it is 65 536 zeros', new Uint8Array(65_536)],
    ['it is one empty sequence', Uint8Array.of(0x30, 0)],
  ])('are refused when %s', (_when, der) => {
    expect(() => read(der)).toThrow(MALFORMED)
  })

  test.each([
    ['32 levels', 31, true],
    ['33 levels', 32, false],
    ['2 000 levels', 2_000, false],
  ])('%s of nesting: %s around a null, accepted: %s', (_title, levels, accepted) => {
    let der = Uint8Array.of(0x05, 0)
    for (let level = 0; level < levels; level++) der = Uint8Array.of(0x30, ...lengthOf(der), ...der)
    const reading = () => readDer(der)
    if (accepted) expect(writeDer(reading())).toEqual(der)
    else expect(reading).toThrow(MALFORMED)
  })

  test('tag numbers above 30 are said to be unsupported', () => {
    const unsupported = expect.objectContaining({ code: 'X509_UNSUPPORTED' })
    expect(() => readDer(Uint8Array.of(0x1f, 0x01, 0x00))).toThrow(unsupported)
  })

  test('any bytes are refused or read within 50 ms, and nothing but X509Error comes out (T44)', () => {
    const random = mulberry(20_261)
    for (let round = 0; round < 5_000; round++) {
      const der = round % 2 === 0 ? mutated(good, random) : Uint8Array.from({ length: random(400) }, () => random(256))
      expect(millisecondsFor(() => attempt(der), 50)).toBeLessThan(50)
    }
  })

  test('the worst 64 KiB for a reader, all small values or all headers, take less than 250 ms', () => {
    for (const filler of [bytes(0x05, 0), bytes(0x30, 0x80), bytes(0x03, 2, 0, 5), bytes(0x30, 0)]) {
      const inner = Uint8Array.from({ length: 65_500 }, (_, i) => filler[i % filler.length] ?? 0)
      const der = Uint8Array.of(0x30, 0x82, inner.length >> 8, inner.length & 0xff, ...inner)
      expect(millisecondsFor(() => attempt(der), 250)).toBeLessThan(250)
    }
  })
})

/** Undefined for what is refused in the way that it should be. */
function attempt(der: Uint8Array) {
  try {
    return read(der)
  } catch (error) {
    expect(error).toMatchObject({ name: 'X509Error' })
    return undefined
  }
}

/** The fastest of up to five tries: a busy machine may be slow now and then, a slow reader is slow each time. */
function millisecondsFor(work: () => unknown, limit: number): number {
  let fastest = Infinity
  for (let tries = 0; tries < 5 && fastest >= limit; tries++) {
    const start = performance.now()
    work()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return fastest
}

const lengthOf = ({ length }: Uint8Array) =>
  length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]

function mutated(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = bytes.slice()
  for (let changes = 1 + random(4); changes > 0; changes--) copy[random(copy.length)] = random(256)
  return random(4) === 0 ? copy.subarray(0, random(copy.length)) : copy
}

/** Small numbers that are the same in every run. */
function mulberry(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
