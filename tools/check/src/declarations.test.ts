import { expect, test } from 'vitest'
import { undeclaredAndUnused } from './declarations.ts'
import type { Project } from './workspace.ts'

const LOW: Project = { name: '@pallas/low', dir: 'libs/low', tags: [], declared: [], declaredForTests: [], imports: [], paths: [] }
const high = (other: Partial<Project>): Project => ({ ...LOW, name: '@pallas/high', dir: 'libs/high', ...other })
const importing = (...specifiers: string[]) => ({ imports: specifiers.map((specifier) => ({ file: 'libs/high/src/a.ts', specifier })) })
const verdict = (other: Partial<Project>) => undeclaredAndUnused([LOW, high(other)], ['vitest'])

test.each<[string, Partial<Project>]>([
  ['is imported, whichever part of it', { declared: ['@pallas/low', 'yaml'], ...importing('@pallas/low/testing', 'yaml') }],
  ['is imported, and declared for tests', { declaredForTests: ['yaml'], ...importing('yaml') }],
  ['is run by its path', { declared: ['@pallas/low'], paths: ['libs/low'] }],
  ['is of the root, of Node, of the project itself or made up', importing('vitest', 'node:fs', './a.ts', '@pallas/high', '${path}')],
])('what %s is in order', (_what, other) => {
  expect(verdict(other)).toEqual([])
})

test.each<[string, Partial<Project>, string]>([
  ['a project that nothing uses', { declared: ['@pallas/low'] }, 'declares @pallas/low, which nothing'],
  ['a package that nothing imports', { declaredForTests: ['yaml'], paths: ['libs/low'] }, 'declares yaml, which nothing'],
  ['a package that comes from somewhere', importing('@scope/it/part'), 'does not declare @scope/it, which'],
])('%s is told', (_what, other, words) => {
  expect(verdict(other)).toEqual([expect.stringContaining(`libs/high/package.json ${words}`)])
})
