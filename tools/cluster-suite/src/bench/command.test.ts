import { expect, test } from 'vitest'
import { parseCommand } from './command.ts'

const BENCHES = ['pod-start', 'cluster-burst']
const parse = (...argv: string[]) => parseCommand(argv, BENCHES)

test('without arguments all benches run, with as many pods as figures want', () => {
  const all = { kind: 'run', names: BENCHES, quick: false, pods: 50, out: undefined, markdown: false, keep: false }
  expect(parse()).toEqual(all)
})

test('a quick run has fewer pods, unless told how many; benches keep their order', () => {
  expect(parse('--quick', 'cluster-burst', 'pod-start')).toMatchObject({ names: BENCHES, quick: true, pods: 10 })
  expect(parse('--quick', '--pods', '3', 'cluster-burst')).toMatchObject({ names: ['cluster-burst'], pods: 3 })
})

test.each([['--pods', '0'], ['--pods', 'many'], ['--pods', '12345'], ['--fast'], ['driver']])('%s %s is refused', (...argv) => {
  expect(parse(...argv.filter((it) => it !== undefined))).toMatchObject({ kind: 'wrong' })
})
