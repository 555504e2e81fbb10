import { expect, test } from 'vitest'
import { createTimeline } from './timeline.ts'

function open(colour = false) {
  let now = 1_000
  const lines: string[] = []
  const timeline = createTimeline({ write: (line) => lines.push(line), now: () => now, colour })
  return { timeline, lines, pass: (ms: number) => void (now += ms) }
}

test('a moment is a line: when, who to whom, what, how it ended, how long it took', () => {
  const { timeline, lines, pass } = open()
  pass(1_234)
  timeline.tell({ from: 'zts', to: 'callback', what: 'is shop.web true?', outcome: 'yes (200)', ms: 12.34 })
  expect(lines[0]).toMatch(/^ {2}1\.234 s {2}zts → callback {18,}is shop\.web true\? {20,}yes \(200\) {2}12 ms$/)
})

test.each([
  [0.04, '0.0 ms'],
  [9.94, '9.9 ms'],
  [10, '10 ms'],
  [1_234.5, '1235 ms'],
])('%f ms is shown as %s', (ms, shown) => {
  const { timeline, lines } = open()
  timeline.tell({ from: 'a', what: 'b', ms })
  expect(lines[0]?.endsWith(` ${shown}`)).toBe(true)
})

test('a moment without outcome and time ends with what it is', () => {
  const { timeline, lines } = open()
  timeline.tell({ from: 'kubelet', what: 'shop/web-0: deleted' })
  expect(lines[0]).toMatch(/^ {2}0\.000 s {2}kubelet {2,}shop\/web-0: deleted$/)
})

test('each chapter begins its time anew', () => {
  const { timeline, lines, pass } = open()
  pass(5_000)
  timeline.chapter('Two')
  pass(7)
  timeline.tell({ from: 'a', what: 'b' })
  expect(lines).toEqual(['', 'Two', expect.stringMatching(/^ {2}0\.007 s/) as string])
})

test('after its close nothing is told any more, but what happened is still known', () => {
  const { timeline, lines } = open()
  timeline.close()
  timeline.tell({ from: 'a', what: 'b' })
  timeline.chapter('late')
  expect(lines).toEqual([])
  expect(timeline.moments).toMatchObject([{ from: 'a', what: 'b' }])
})

test('without colour no escape is written', () => {
  for (const colour of [true, false]) {
    const { timeline, lines } = open(colour)
    timeline.chapter('One')
    timeline.tell({ from: 'a', what: 'b', ms: 1 })
    expect(lines.join().includes('\u001B')).toBe(colour)
  }
})
