import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const ROOM = { runningPerNamespace: 1_000 }

/** Names are `<namespace>/<instance>#<n>`. */
function add(turns: Turns<string>, ...names: readonly string[]): void {
  for (const item of names) {
    const [, namespace = '', instance = ''] = /^(\w+)\/(\w+)#/.exec(item) ?? []
    turns.add({ whose: { namespace, instance }, item })
  }
}

/** One after another, each ended before the next begins. */
function drain(turns: Turns<string>): string[] {
  const begun: string[] = []
  for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
    begun.push(turn.item)
    turns.done(turn.whose)
  }
  return begun
}

test('namespaces take turns, and within a namespace its pods (T38)', () => {
  const turns = new Turns<string>(ROOM)
  add(turns, 'a/p#1', 'a/p#2', 'a/q#3', 'b/r#4', 'a/p#5', 'c/s#6')
  expect(drain(turns)).toEqual(['a/p#1', 'b/r#4', 'c/s#6', 'a/q#3', 'a/p#2', 'a/p#5'])
  expect(turns.size).toBe(0)
})

test('of one pod nothing begins while something runs (T18)', () => {
  const turns = new Turns<string>(ROOM)
  add(turns, 'a/p#1', 'a/p#2')
  const first = turns.next()
  expect([first?.item, turns.next()]).toEqual(['a/p#1', undefined])
  turns.done({ namespace: 'a', instance: 'p' })
  expect(turns.next()?.item).toBe('a/p#2')
})

test('a namespace leaves room for others, and gets it back as its own end (T38)', () => {
  const turns = new Turns<string>({ runningPerNamespace: 2 })
  add(turns, 'a/p#1', 'a/q#2', 'a/r#3', 'b/s#4')
  expect([turns.next(), turns.next(), turns.next(), turns.next()].map((turn) => turn?.item)).toEqual(['a/p#1', 'b/s#4', 'a/q#2', undefined])
  turns.done({ namespace: 'a', instance: 'q' })
  expect(turns.next()?.item).toBe('a/r#3')
})

test('room is made by whoever has most waiting, newest first, and never for more of the same (T38)', () => {
  const turns = new Turns<string>(ROOM)
  add(turns, 'a/p#1', 'a/q#2', 'a/q#3', 'b/r#4')
  expect(turns.giveWay('a')).toBeUndefined()
  expect(turns.giveWay('c')?.item).toBe('a/q#3')
  expect([turns.size, turns.sizeOf('a')]).toEqual([3, 2])
  expect(turns.giveWay('b')).toBeUndefined()
  expect(drain(turns)).toEqual(['a/p#1', 'b/r#4', 'a/q#2'])
})

test('whatever comes and goes, all that stays is run once, and nothing is left', () => {
  const name = fc.record({ namespace: fc.constantFrom('a', 'b', 'c'), instance: fc.constantFrom('p', 'q') })
  const step = fc.oneof({ weight: 3, arbitrary: name }, fc.constant('next' as const), fc.constant('done' as const), fc.constant('giveWay' as const))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const turns = new Turns<number>({ runningPerNamespace: 2 })
      const running: { namespace: string; instance: string }[] = []
      const seen: number[] = []
      let added = 0
      let expected = 0
      const next = () => {
        const turn = turns.next()
        if (turn !== undefined) seen.push(turn.item)
        if (turn !== undefined) running.push(turn.whose)
        return turn !== undefined
      }
      const done = () => {
        const whose = running.shift()
        if (whose !== undefined) turns.done(whose)
        return whose !== undefined
      }
      for (const it of steps) {
        if (it === 'next') next()
        else if (it === 'done') done()
        else if (it === 'giveWay') expected -= turns.giveWay('none') === undefined ? 0 : 1
        else {
          turns.add({ whose: it, item: (added += 1) })
          expected += 1
        }
        const keys = running.map(({ namespace, instance }) => `${namespace}/${instance}`)
        expect(new Set(keys).size).toBe(keys.length)
      }
      while (next() || done());
      expect([seen.length, new Set(seen).size, turns.size]).toEqual([expected, expected, 0])
    }),
  )
})
