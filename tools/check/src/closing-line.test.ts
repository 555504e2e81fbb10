import { expect, test } from 'vitest'
import type { TestModule } from 'vitest/node'
import { countsOf } from './closing-line.ts'

type State = 'passed' | 'failed' | 'skipped' | 'pending'

interface Shape {
  readonly states: readonly State[]
  /** Of hooks: of the file, and of each `describe` in it. */
  readonly errors?: readonly string[]
  readonly suites?: readonly (readonly string[])[]
}

const errorsOf = (messages: readonly string[]) => () => messages.map((message) => ({ message }))

const moduleOf = ({ states, errors = [], suites = [] }: Shape) =>
  ({
    errors: errorsOf(errors),
    children: {
      allTests: () => states.map((state) => ({ result: () => ({ state }) })).values(),
      allSuites: () => suites.map((messages) => ({ errors: errorsOf(messages) })).values(),
    },
  }) as unknown as TestModule

test.each<[string, Shape, readonly number[]]>([
  ['tests are counted by how they ended, and one that never did is skipped', { states: ['passed', 'passed', 'failed', 'skipped', 'pending'] }, [2, 1, 2]],
  ['a hook that fails in a file is a failure', { states: ['skipped'], errors: ['no cluster'] }, [0, 1, 1]],
  ['a hook that fails in a `describe` is one too', { states: ['passed', 'skipped'], suites: [[], ['no world']] }, [1, 1, 1]],
  ['a place where two hooks fail is one failure', { states: [], suites: [['no world', 'no end']] }, [0, 1, 0]],
])('%s', (_what, shape, [passed, failed, skipped]) => {
  expect(countsOf([moduleOf(shape)])).toEqual({ passed, failed, skipped })
})

test('all files count', () => {
  const one = moduleOf({ states: ['passed'], errors: ['broken'] })
  expect(countsOf([one, one])).toEqual({ passed: 2, failed: 2, skipped: 0 })
})
