import { expect, test } from 'vitest'
import { emptyTree, MINUTE, NOW, plainly, publish, setOf } from './testing/publish.ts'

test('the previous generation stays for late readers until the next publication, however late that is', () => {
  const tree = publish(emptyTree(), setOf('one'), { serial: '1' })
  const late = tree.stat('/tls/..data') as { target: string }
  publish(tree, setOf('two'), { serial: '2', now: NOW + 60 * MINUTE })
  expect(tree.read(`/tls/${late.target}/service.key`)).toBe('key one')
  publish(tree, setOf('three'), { serial: '3', now: NOW + 120 * MINUTE })
  expect(tree.read(`/tls/${late.target}/service.key`)).toBeUndefined()
})

test('a reader has a minute, however soon what it pinned is replaced again and however old it is (T14)', () => {
  const tree = publish(emptyTree(), setOf('one'), { serial: '1' })
  const { target } = tree.stat('/tls/..data') as { target: string }
  const replacedAt = NOW + 600 * MINUTE
  const pairAfter = (word: string, ms: number) => {
    publish(tree, setOf(word), { serial: '0', now: replacedAt + ms })
    return ['service.key', 'service.cert'].map((name) => tree.read(`/tls/${target}/${name}`))
  }
  expect(pairAfter('two', 0)).toEqual(['key one', 'cert one'])
  expect(pairAfter('three', 1)).toEqual(['key one', 'cert one'])
  expect(pairAfter('four', 20_000)).toEqual(['key one', 'cert one'])
  expect(pairAfter('five', 10_000)).toEqual(['key one', 'cert one'])
  expect(pairAfter('six', 59_999)).toEqual(['key one', 'cert one'])
  expect(pairAfter('seven', 60_001)).toEqual([undefined, undefined])
})

test('ten generations are kept besides the new one and no more, the youngest, though all came in one moment', () => {
  const tree = emptyTree()
  for (let n = 1; n <= 30; n++) publish(tree, setOf(`${n}`), { now: NOW + (n > 15 ? 1 : 0) })
  const words = tree.names('/tls').filter((name) => name.startsWith('..2')).map((name) => tree.read(`/tls/${name}/service.key`))
  expect(new Set(words)).toEqual(new Set(Array.from({ length: 11 }, (_, n) => `key ${20 + n}`)))
})

test('the same set at the same moment makes another generation, and a clock that goes back does no harm', () => {
  const tree = publish(emptyTree(), setOf('one'))
  publish(tree, setOf('two'))
  expect(tree.stat('/tls/..data')).toEqual({ kind: 'symlink', target: '..20300102T030405.678Z.AB12.2' })
  publish(tree, setOf('three'), { now: 0 })
  expect(tree.stat('/tls/..data')).toEqual({ kind: 'symlink', target: '..19700101T000000.000Z.AB12' })
  expect(plainly(tree)).toEqual(['key three', 'cert three', 'token three'])
})
