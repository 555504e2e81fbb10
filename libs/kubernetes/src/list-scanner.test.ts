import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isKubernetesError } from './error.ts'
import { createListScanner, ITEM_DEPTH } from './list-scanner.ts'

const BAD = expect.objectContaining({ code: 'KUBE_BAD_ANSWER' })

/** What comes of these bytes, cut at these places. */
function scan(text: string | Uint8Array, cuts: readonly number[] = [], maxItemBytes = 1_000_000) {
  const bytes = Buffer.from(text)
  const items: unknown[] = []
  const tooLarge: string[] = []
  const onItem = (item: unknown) => void items.push(item)
  const scanner = createListScanner({ maxItemBytes, onItem, onTooLarge: (head) => void tooLarge.push(head) })
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [index, place] of places.slice(1).entries()) scanner.push(bytes.subarray(places[index], place))
  return { list: scanner.end(), items, tooLarge }
}

const outcome = <T>(work: () => T): T | 'bad' => {
  try {
    return work()
  } catch (error) {
    if (isKubernetesError(error, 'KUBE_BAD_ANSWER')) return 'bad'
    throw error
  }
}

/** The same by `JSON.parse`. */
function parsed(text: string): { rest: unknown; items: unknown } | 'bad' {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'bad'
    const { items, ...rest } = value as Record<string, unknown>
    return { rest, items }
  } catch {
    return 'bad'
  }
}

function scanned(text: string, cuts: readonly number[]) {
  const found = outcome(() => scan(text, cuts))
  if (found === 'bad') return found
  const { items, ...rest } = found.list
  return { rest, items: Array.isArray(items) ? found.items : items }
}

/** Texts with what might be taken for the end of something. */
const tricky = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'é', '😀', '\u2028', '\u0000', 'a', ' '), maxLength: 8 })
const item = fc.oneof(fc.jsonValue({ stringUnit: 'binary' }), fc.dictionary(tricky, tricky), fc.array(tricky), tricky)
const list = fc.record(
  { kind: tricky, items: fc.option(fc.array(item)), metadata: item, other: fc.dictionary(fc.constantFrom('items', 'x'), item) },
  { requiredKeys: [] },
)
const spaced = fc.tuple(list, fc.constantFrom(undefined, 1, '\t')).map(([value, space]) => JSON.stringify(value, undefined, space))
const cuts = fc.array(fc.nat(), { maxLength: 20 })

test('wherever the chunks end, what comes of it is what JSON.parse makes of the whole', () => {
  const property = fc.property(spaced, cuts, (text, places) => {
    expect(scanned(text, places)).toEqual(parsed(text))
  })
  fc.assert(property, { numRuns: 500 })
})

test('what JSON.parse does not take is refused, and nothing else is (but for a second list of items)', () => {
  const spoilt = fc.tuple(spaced, fc.nat(), fc.nat({ max: 2 }), fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '0', ' ', 'é'))
  const property = fc.property(spoilt, cuts, ([text, place, gone, put], places) => {
    const at = place % (text.length + 1)
    const changed = text.slice(0, at) + put + text.slice(at + gone)
    fc.pre(changed.isWellFormed())
    const found = scanned(changed, places)
    const twice = (changed.match(/"items"/g) ?? []).length > 1
    if (found !== 'bad' || !twice) expect(found).toEqual(parsed(changed))
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('every single cut of a list gives the same', () => {
  const value = { kind: 'x\\"', items: [{ a: '}]"\\' }, 'é😀', 1.5, null, [[], {}]], 'b"]': [{}], tail: { items: [1] } }
  const text = JSON.stringify(value)
  for (let cut = 0; cut <= Buffer.byteLength(text); cut++) expect(scanned(text, [cut])).toEqual(parsed(text))
})

test.each([
  ['two lists of items', '{"items":[1],"items":[2]}'],
  ['a second list under another spelling', '{"items":[1],"\\u0069tems":[]}'],
  ['a list and then none', '{"items":[1],"items":null}'],
  ['something after the end', '{"items":[1]}x'],
  ['a second document', '{"items":[1]}{"items":[2]}'],
  ['no end', '{"items":[1]'],
  ['no end of the list', '{"items":[1'],
  ['no end of an item', '{"items":[{"a":"b'],
  ['a comma at the end', '{"items":[1,]}'],
  ['a comma at the beginning', '{"items":[,1]}'],
  ['two items without a comma', '{"items":[{} {}]}'],
  ['the wrong bracket', '{"items":[{"a":[}]]}'],
  ['a bracket that ends nothing', '{"items":[}]}'],
  ['the mark of a byte order inside', '{"items":[\uFEFF1]}'],
  ['nothing', ''],
  ['a list alone', '[{"items":[1]}]'],
  ['a text', '"items"'],
])('%s is a bad answer', (_name, text) => {
  expect(() => scan(text)).toThrow(BAD)
})

test.each([
  ['in an item', [0x7b, 0x22, 0xff, 0x22, 0x7d]],
  ['that is cut short', [0x22, 0xc3, 0x22]],
])('a byte %s that is no utf-8 is a bad answer', (_name, bytes) => {
  expect(() => scan(Buffer.concat([Buffer.from('{"items":['), Buffer.from(bytes), Buffer.from(']}')]))).toThrow(BAD)
})

test('an item that is too long is left out, its beginning told; those around it are read', () => {
  const text = JSON.stringify({ items: [{ a: 1 }, { name: 'long', b: '}],"\\'.repeat(50) }, { c: 2 }] })
  for (let cut = 0; cut < text.length; cut += 7) {
    const { items, tooLarge, list: { items: places } } = scan(text, [cut, 2 * cut], 100)
    expect([items, places]).toEqual([[{ a: 1 }, { c: 2 }], [0, 0, 0]])
    expect(tooLarge).toEqual([expect.stringMatching(/^\{"name":"long"/)])
  }
  expect(scan('{"items":["12345678"]}', [], 10).items).toEqual(['12345678'])
  expect(scan('{"items":["123456789"]}', [], 10).items).toEqual([])
})

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test('an item that is nested too deep is left out', () => {
  expect(scan(`{"items":[${nested(ITEM_DEPTH)}]}`).items).toHaveLength(1)
  expect(scan(`{"items":[${nested(ITEM_DEPTH + 1)},1]}`).items).toEqual([1])
})

test('besides its items a list says little', () => {
  expect(() => scan(JSON.stringify({ metadata: 'x'.repeat(300_000), items: [] }))).toThrow(BAD)
})
