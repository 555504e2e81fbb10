import { expect, test } from 'vitest'
import { heapByModule, parseHeapProfile } from './heap-profile.ts'

const node = (url: string, selfSize: number, children: readonly object[] = []) => ({
  callFrame: { functionName: 'f', url, lineNumber: 0 },
  selfSize,
  children,
})

test('memory counts for the module that had it made, also when the loader or V8 did the making', () => {
  const head = node('', 1, [
    node('node:internal/modules/esm/loader', 2, [node('file:///r/node_modules/pino/a.js', 10, [node('', 5)])]),
    node('file:///r/libs/wire/src/a.ts', 3),
  ])
  expect(heapByModule(parseHeapProfile(JSON.stringify({ head })))).toEqual([
    { name: 'pino', bytes: 15 },
    { name: '(node)', bytes: 3 },
    { name: 'libs/wire', bytes: 3 },
  ])
})
