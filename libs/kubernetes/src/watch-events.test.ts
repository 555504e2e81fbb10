import { expect, test } from 'vitest'
import { parseWatchEvent } from './watch-events.ts'

const object = { metadata: { name: 'a', resourceVersion: '7' } }
const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 5 (10)' }

test('an event has its object and the version to go on from', () => {
  expect(parseWatchEvent(JSON.stringify({ type: 'ADDED', object }))).toEqual({
    type: 'ADDED',
    object,
    resourceVersion: '7',
  })
  expect(parseWatchEvent(JSON.stringify({ type: 'BOOKMARK', object }))).toEqual({
    type: 'BOOKMARK',
    resourceVersion: '7',
  })
})

test.each([
  ['no json', '{"type":', 'KUBE_BAD_ANSWER'],
  ['no object', '"ADDED"', 'KUBE_BAD_ANSWER'],
  ['a list', '[]', 'KUBE_BAD_ANSWER'],
  ['an event without object', '{"type":"ADDED"}', 'KUBE_BAD_ANSWER'],
  ['an object without metadata', '{"type":"ADDED","object":{}}', 'KUBE_BAD_ANSWER'],
  ['metadata that are a list', '{"type":"ADDED","object":{"metadata":[]}}', 'KUBE_BAD_ANSWER'],
  ['no version', '{"type":"ADDED","object":{"metadata":{}}}', 'KUBE_BAD_ANSWER'],
  ['a version that is a number', '{"type":"ADDED","object":{"metadata":{"resourceVersion":7}}}', 'KUBE_BAD_ANSWER'],
  ['an empty version', '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":""}}}', 'KUBE_BAD_ANSWER'],
  ['an unknown type', JSON.stringify({ type: 'added', object }), 'KUBE_BAD_ANSWER'],
  ['an expired version', JSON.stringify({ type: 'ERROR', object: gone }), 'KUBE_GONE'],
  ['a server in trouble', '{"type":"ERROR","object":{"code":500}}', 'KUBE_BUSY'],
  ['an error about nothing', '{"type":"ERROR"}', 'KUBE_BUSY'],
])('%s is an error', (_name, line, code) => {
  expect(() => parseWatchEvent(line)).toThrow(expect.objectContaining({ code }))
})
