import { expect, test } from 'vitest'
import { container, podWith, UID } from '../testing/pod-parts.ts'
import { environmentOf, fieldOf } from './fields.ts'

test.each([
  ['metadata.name', 'web-0'],
  ['metadata.namespace', 'shop'],
  ['metadata.uid', UID],
  ['spec.nodeName', 'node-1'],
  ['spec.serviceAccountName', 'web'],
  ['status.podIP', '10.0.0.1'],
])('%s is read from the pod', (path, value) => {
  expect(fieldOf(podWith(), path, '10.0.0.1')).toBe(value)
})

test('a field that the sandbox does not know is said to be so, not left empty', () => {
  expect(() => fieldOf(podWith(), 'metadata.labels', '')).toThrow('does not know the field metadata.labels')
})

test('a container sees its variables, with fields filled in, and its pod as host name', () => {
  const env = [
    { name: 'PLAIN', value: 'x' },
    { name: 'EMPTY' },
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ]
  expect(environmentOf(podWith(), container('main', { env }), '10.0.0.1')).toEqual({ HOSTNAME: 'web-0', PLAIN: 'x', EMPTY: '', IP: '10.0.0.1' })
})
