import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitLines } from './watch-lines.ts'

const LIMIT = 1_000

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end)
    from = end
  }
}

async function split(bytes: Uint8Array, cuts: readonly number[] = []): Promise<string[]> {
  const lines: string[] = []
  for await (const line of splitLines(inChunks(bytes, cuts), LIMIT)) lines.push(line)
  return lines
}

const line = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\n', '␤'))

test('lines come out as they went in, wherever the chunks end', async () => {
  const property = fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
    const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
    expect(await split(bytes, cuts)).toEqual(lines.map((text) => Buffer.from(text).toString()))
  })
  await fc.assert(property)
})

test('a chunk may end inside a character', async () => {
  const bytes = Buffer.from('{"a":"€😀"}\n')
  for (let cut = 0; cut <= bytes.length; cut++) expect(await split(bytes, [cut])).toEqual(['{"a":"€😀"}'])
})

test('the beginning of a line is never yielded, and its loss is said', async () => {
  const bytes = Buffer.from('{"a":1}\n{"b":2}\n{"c"')
  const seen: string[] = []
  const reading = async () => {
    for await (const text of splitLines(inChunks(bytes, [3]), LIMIT)) seen.push(text)
  }
  await expect(reading()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE', retryable: true })
  expect(seen).toEqual(['{"a":1}', '{"b":2}'])
})

test.each([
  ['a line longer than the limit', Buffer.concat([Buffer.alloc(LIMIT + 1, 0x61), Buffer.from('\n')])],
  ['a line that never ends', Buffer.alloc(LIMIT * 3, 0x61)],
  ['a line that is not utf-8', Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a])],
  ['a line cut inside a character', Buffer.from([0x22, 0xe2, 0x82, 0x0a])],
])('%s is a bad answer', async (_name, bytes) => {
  await expect(split(bytes, [10, 500])).rejects.toMatchObject({ code: 'KUBE_BAD_ANSWER' })
})
