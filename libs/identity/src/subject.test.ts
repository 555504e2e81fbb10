import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatSubject, parseSubject, subjectOf } from './subject.ts'
import { someDomain, someIp, someNamespace, somePodName } from './testing/arbitraries.ts'
import { aPod, someNameRules } from './testing/index.ts'

const MALFORMED = expect.objectContaining({ code: 'DOCUMENT_MALFORMED' })
const web = { namespace: 'media-on--air', name: 'web-0', domain: 'media.on-air', service: 'web', ip: '10.1.2.3' }
const TEXT = 'pod:media-on--air/web-0?d=media.on-air&n=web&i=10.1.2.3'

test('a subject is the original text (C6)', () => {
  expect(formatSubject(web)).toBe(TEXT)
  expect(parseSubject(TEXT)).toEqual(web)
  expect(formatSubject({ ...web, ip: '::1' })).toBe(TEXT.replace('10.1.2.3', '%3A%3A1'))
})

test('every subject survives the trip to text and back', () => {
  const subject = fc.record({
    namespace: someNamespace,
    name: somePodName,
    domain: fc.oneof(someDomain, fc.string({ unit: 'grapheme', minLength: 1 })),
    service: fc.string({ unit: 'grapheme', minLength: 1 }),
    ip: someIp,
  })
  fc.assert(
    fc.property(subject, (it) => {
      expect(parseSubject(formatSubject(it))).toEqual(it)
    }),
  )
})

test('escaping is that of go: blank is plus, and five signs that javascript leaves alone are escaped', () => {
  const text = formatSubject({ ...web, service: "a b+!'()*~-_." })
  expect(text).toContain('&n=a+b%2B%21%27%28%29%2A~-_.&')
})

test('text that is a subject is the only text of that subject', () => {
  fc.assert(
    fc.property(fc.nat(TEXT.length), fc.string({ maxLength: 3 }), (at, insert) => {
      const text = TEXT.slice(0, at) + insert + TEXT.slice(at)
      let subject
      try {
        subject = parseSubject(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'DOCUMENT_MALFORMED' })
        return
      }
      expect(formatSubject(subject)).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['', 'nothing'],
  [TEXT.replace('pod:', 'POD:'), 'another scheme'],
  [TEXT.replace('pod:', 'pod://'), 'an authority'],
  [TEXT.replace('/web-0', ''), 'no name'],
  [TEXT.replace('web-0', 'a/b'), 'two names'],
  [TEXT.replace('web-0', '..'), 'dots for a name'],
  [TEXT.replace('web-0', 'Web'), 'a name in upper case'],
  [TEXT.replace('web-0', '%77eb'), 'an escaped name'],
  [TEXT.replace('media-on--air/', 'a.b/'), 'a namespace with a dot'],
  [TEXT.replace('d=media.on-air&n=web', 'n=web&d=media.on-air'), 'another order'],
  [TEXT.replace('&n=web', ''), 'no service'],
  [TEXT.replace('n=web', 'n='), 'an empty service'],
  [`${TEXT}&x=y`, 'one part more'],
  [`${TEXT}&i=10.1.2.3`, 'a part twice'],
  [`${TEXT}#a`, 'a fragment'],
  [`${TEXT} `, 'a blank at the end'],
  [`${TEXT}\n`, 'a newline at the end'],
  [TEXT.replace('n=web', 'n=%77eb'), 'an escape that was not needed'],
  [TEXT.replace('n=web', 'n=a%2f'), 'an escape in lower case'],
  [TEXT.replace('n=web', 'n=a%20b'), 'a blank escaped the other way'],
  [TEXT.replace('n=web', 'n=%'), 'half an escape'],
  [TEXT.replace('n=web', 'n=%C3'), 'half a character'],
])('%j is refused: %s', (text) => {
  expect(() => parseSubject(text)).toThrow(MALFORMED)
})

test.each([
  ['a part is empty', { ip: '' }],
  ['the name could be read in two ways', { name: 'a?d=b' }],
  ['the namespace holds a slash', { namespace: 'a/b' }],
  ['a part is not unicode', { service: '\ud800' }],
])('no text is made when %s', (_when, wrong) => {
  expect(() => formatSubject({ ...web, ...wrong })).toThrow(MALFORMED)
})

describe('the subject of a pod', () => {
  test('follows from the pod, its address in canonical text', () => {
    expect(subjectOf(aPod(), someNameRules())).toEqual(web)
    expect(subjectOf(aPod({ ip: '0:0:0:0:0:0:0:1' }), someNameRules()).ip).toBe('::1')
  })

  test('holds the address of a pod on its host, though its certificate does not', () => {
    const rules = someNameRules({ hostNetwork: 'no-ip' })
    expect(subjectOf(aPod({ hostNetwork: true }), rules).ip).toBe('10.1.2.3')
    expect(() => subjectOf(aPod({ hostNetwork: true, ip: '' }), rules)).toThrow(
      expect.objectContaining({ code: 'POD_IP_PENDING' }),
    )
  })

  test('is refused where the pod has no identity', () => {
    expect(() => subjectOf(aPod({ namespace: 'k8s-admin-web' }), someNameRules())).toThrow(
      expect.objectContaining({ code: 'NAMESPACE_REFUSED' }),
    )
  })
})
