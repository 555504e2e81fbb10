import { expect, test } from 'vitest'
import { spread, value } from './figure.ts'
import { defaultPlace, formatReport } from './report.ts'

const machine = {
  at: '2030-01-02T03:04:05.678Z',
  cpu: 'some',
  cores: 2,
  memoryGiB: 24,
  kernel: '6.18',
  node: '26.10.0',
  commit: 'abc',
  dirty: false,
  loadBefore: [0, 0, 0],
  isolation: 'none',
}

test('a figure stands in the file with its numbers, the words of its line, and its notes', () => {
  const figures = [spread('a', [1, 3], { unit: 'ms', line: 'burst' }), value('b', 5, { unit: '1/s', notes: ['so'] })]
  const benches = [{ name: 'x', seconds: 1, figures }, { name: 'y', seconds: 0, failure: 'broke' }]
  const read = JSON.parse(formatReport({ schema: 1, machine, quick: true, busyShare: 0.5, benches }))
  expect(read).toMatchObject({ schema: 1, machine: { cpu: 'some' }, quick: true, busyShare: 0.5 })
  expect(read.benches[0].figures[0]).toMatchObject({ name: 'a', unit: 'ms', n: 2, min: 1, p50: 1, p99: 3, met: true })
  expect(read.benches[0].figures[0].line).toContain('110 pods')
  expect(read.benches[0].figures[1]).toEqual({ name: 'b', unit: '1/s', n: 1, value: 5, notes: ['so'] })
  expect(read.benches[1]).toEqual({ name: 'y', seconds: 0, failure: 'broke' })
})

test('the file is named for the second in which the run began', () => {
  expect(defaultPlace(machine.at)).toBe('bench-results/2030-01-02T03-04-05Z.json')
})
