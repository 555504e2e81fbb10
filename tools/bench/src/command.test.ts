import { expect, test } from 'vitest'
import { parseCommand } from './command.ts'

const known = { benches: ['driver', 'herd', 'webhook'], profiles: ['driver'] }
const parse = (...argv: string[]) => parseCommand(argv, known)

test('without names every bench runs', () => {
  expect(parse()).toEqual({ kind: 'run', names: known.benches, quick: false, markdown: false, out: undefined })
})

test('named benches run in the order of the list, each once', () => {
  expect(parse('webhook', 'driver', 'webhook', '--quick', '--out', 'x.json', '--markdown')).toEqual({
    kind: 'run',
    names: ['driver', 'webhook'],
    quick: true,
    markdown: true,
    out: 'x.json',
  })
})

test.each([
  ['a bench that is not there', ['drver'], 'no bench drver; there are driver, herd, webhook'],
  ['a profile that is not there', ['--profile', 'herd'], 'no profile herd; there are driver'],
  ['an option that is not there', ['--slow'], "Unknown option '--slow'"],
])('%s is told with what there is', (_name, argv, problem) => {
  expect(parse(...argv)).toEqual({ kind: 'wrong', problem: expect.stringContaining(problem) })
})

test('a profile, the list and the help are asked for by option', () => {
  expect(parse('--profile', 'driver')).toEqual({ kind: 'profile', name: 'driver' })
  expect(parse('--list').kind).toBe('list')
  expect(parse('-h').kind).toBe('help')
})
