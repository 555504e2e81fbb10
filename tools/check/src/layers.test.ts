import { expect, test } from 'vitest'
import { breaches } from './layers.ts'
import { pathsIn, type Project, specifiersOf } from './workspace.ts'

const project = (name: string, layer: string, other: Partial<Project> = {}): Project => ({
  name: `@pallas/${name}`,
  dir: `libs/${name}`,
  tags: [`layer:${layer}`],
  declared: [],
  declaredForTests: [],
  imports: [],
  paths: [],
  ...other,
})
const importing = (from: string, specifier: string, file = `libs/${from}/src/a.ts`) => ({ imports: [{ file, specifier }] })
const declaring = (to: string) => ({ declared: [`@pallas/${to}`] })

const low = project('low', 'model')
const edge: (readonly [string, string])[] = [['@pallas/high', '@pallas/low']]
const verdict = (...projects: Project[]) => breaches(projects, edge)

const declaringForTests = (file: string) =>
  project('high', 'kit', { declaredForTests: ['@pallas/low'], ...importing('high', '@pallas/low', file) })

test('a package that is declared for tests may be imported by tests and by nothing else', () => {
  expect(verdict(low, declaringForTests('libs/high/src/a.test.ts'))).toEqual([])
  expect(verdict(low, declaringForTests('libs/high/src/a.ts')).join()).toContain('does not declare')
})

test('an import of a declared lower layer is fine', () => {
  expect(verdict(low, project('high', 'kit', { ...declaring('low'), ...importing('high', '@pallas/low') }))).toEqual([])
})

const anywhere = { tags: ['layer:kit', 'runs:anywhere'] }
test.each<[string, Project, string]>([
  ['an undeclared import', project('high', 'kit', importing('high', '@pallas/low')), 'does not declare'],
  ['a sibling', project('high', 'model', { ...declaring('low'), ...importing('high', '@pallas/low') }), 'not a lower layer'],
  ['a path out of the project', project('high', 'kit', importing('high', '../../low/src/a.ts')), 'reaches out'],
  ['testing outside a test', project('high', 'kit', { ...declaring('low'), ...importing('high', '@pallas/low/testing') }), 'outside a test'],
  ['a part of testing outside a test', project('high', 'kit', { ...declaring('low'), ...importing('high', '@pallas/low/testing/contract') }), 'outside a test'],
  ['a node module in code that runs anywhere', project('high', 'kit', { ...anywhere, ...importing('high', 'node:fs') }), 'runs anywhere'],
  ['a package that needs node there', project('high', 'kit', { ...anywhere, ...importing('high', 'undici') }), 'not known to run anywhere'],
  ['a project that needs node there', project('high', 'kit', { ...anywhere, ...declaring('low'), ...importing('high', '@pallas/low') }), 'which needs Node'],
  ['no layer', project('high', 'attic'), 'no layer tag'],
])('%s is a breach', (_name, high, words) => {
  expect(verdict(low, high).join()).toContain(words)
})

test('main.ts of a project that runs anywhere may open its node home', () => {
  const file = 'libs/high/src/main.ts'
  expect(verdict(low, project('high', 'kit', { ...anywhere, ...importing('high', 'node:fs', file) }))).toEqual([])
})

test('an empty graph is a breach, not a pass', () => {
  expect(breaches([low], [])).toEqual(['nx saw no dependencies at all: its graph is partial'])
})

test.each([
  ["import { a } from './a.ts'", './a.ts'],
  ["import type { A } from '@pallas/a'", '@pallas/a'],
  ["export { a } from './b.ts'", './b.ts'],
  ["import {\n  a,\n  b,\n} from 'c'", 'c'],
  ["const x = await import('node:fs')", 'node:fs'],
  ["export {}\nimport 'd'", 'd'],
  ["export * from 'e'", 'e'],
])('%j imports %s', (source, specifier) => {
  expect(specifiersOf(source)).toEqual([specifier])
})

test('a program that is named by its path is found, whatever quotes it stands in', () => {
  const source = "run('packages/sia/src/main.ts'); join(root, `tools/check/src/${it}`); // packages/callback/src/a.ts\nfrom '../libs/wire/src/a.ts'"
  expect(pathsIn(source)).toEqual(['packages/sia', 'tools/check'])
})

test.each(['/** As `packages/sia/src/main.ts` has it. */', "/*\n * 'packages/sia/src/main.ts'\n */", "// 'packages/sia/src/main.ts'", 'run(it) // `packages/sia/src/main.ts`'])('a program that only a comment names is not: %j', (source) => {
  expect(pathsIn(source)).toEqual([])
})

test('a path with a star in it, or two slashes, begins no comment', () => {
  const source = "glob('tools/suite/src/*.ts')\nfetch('https://a.test', `packages/sia/src/${it}`) /* and */\nrun('packages/callback/src/main.ts')"
  expect(pathsIn(source)).toEqual(['tools/suite', 'packages/sia', 'packages/callback'])
})
