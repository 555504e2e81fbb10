import { expect, test } from 'vitest'
import { byFunction, byModule, moduleOf, parseCpuProfile } from './cpu-profile.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
const profile = parseCpuProfile(
  JSON.stringify({
    nodes: [
      { id: 1, callFrame: frame('(program)') },
      { id: 2, callFrame: frame('parse', 'file:///r/node_modules/pino/lib/a.js', 9) },
      { id: 3, callFrame: frame('', 'file:///r/node_modules/pino/b.js') },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [1_000, 2_000, 4_000, 500],
  }),
)

test('the time of a sample goes to the function that was running, greatest first', () => {
  expect(byFunction(profile)).toEqual([
    { name: '(module) node_modules/pino/b.js:1', selfMs: 4 },
    { name: 'parse pino/lib/a.js:10', selfMs: 2.5 },
    { name: '(program)', selfMs: 1 },
  ])
})

test('functions of one package count together', () => {
  expect(byModule(profile)).toEqual([{ name: 'pino', selfMs: 6.5 }, { name: '(program)', selfMs: 1 }])
})

test.each([
  ['node:internal/modules/esm/loader', 'node:internal/modules/esm'],
  ['file:///r/node_modules/@scope/a/x.js', '@scope/a'],
  ['file:///r/node_modules/a/node_modules/b/x.js', 'b'],
  ['file:///r/libs/wire/src/x.ts', 'libs/wire'],
  ['file:///tmp/x/driver.mjs', 'tmp/x/driver.mjs'],
])('%s belongs to %s', (url, module) => {
  expect(moduleOf(url)).toBe(module)
})
