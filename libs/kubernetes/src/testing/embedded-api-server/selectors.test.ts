import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiFailure } from './failure.ts'
import { matchesLabelSelector, parseFieldSelector, parseLabelSelector } from './selectors.ts'

const labelled = (labels: Record<string, string>) => ({ metadata: { labels } })

test.each([
  ['', {}, true],
  ['a=1', { a: '1' }, true],
  ['a==1', { a: '1' }, true],
  ['a=1', { a: '2' }, false],
  ['a=', { a: '' }, true],
  ['a!=1', { a: '2' }, true],
  ['a!=1', {}, true],
  ['a!=1', { a: '1' }, false],
  ['a', { a: 'x' }, true],
  ['a', {}, false],
  ['!a', {}, true],
  ['!a', { a: 'x' }, false],
  ['a in (1, 2)', { a: '2' }, true],
  ['a in (1,2),b=3', { a: '2', b: '3' }, true],
  ['a in (1,2),b=3', { a: '2', b: '4' }, false],
  ['a notin (1,2)', { a: '2' }, false],
  ['a notin (1,2)', {}, true],
  ['example.com/part.of=x_y-z', { 'example.com/part.of': 'x_y-z' }, true],
])('%s of %o is %s', (selector, labels, wanted) => {
  expect(parseLabelSelector(selector)(labelled(labels))).toBe(wanted)
})

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)

test('an equality selects exactly the objects that have it', () => {
  const property = fc.property(fc.dictionary(word, word), word, word, (labels, key, value) => {
    expect(parseLabelSelector(`${key}=${value}`)(labelled(labels))).toBe(labels[key] === value)
  })
  fc.assert(property)
})

test('whatever the text, it is a selector or a 400, never everything by mistake', () => {
  const property = fc.property(fc.string({ minLength: 1 }), (text) => {
    for (const parse of [parseLabelSelector, parseFieldSelector]) {
      try {
        expect(typeof parse(text)({ metadata: {} })).toBe('boolean')
      } catch (error) {
        expect(error).toBeInstanceOf(ApiFailure)
        expect((error as ApiFailure).status.code).toBe(400)
      }
    }
  })
  fc.assert(property)
})

test('a field selector knows the fields that a real server knows', () => {
  const pod = {
    metadata: { name: 'web', namespace: 'media' },
    spec: { nodeName: 'node-1' },
    status: { phase: 'Running' },
  }
  expect(parseFieldSelector('spec.nodeName=node-1,status.phase!=Failed')(pod)).toBe(true)
  expect(parseFieldSelector('metadata.name==db')(pod)).toBe(false)
  expect(() => parseFieldSelector('spec.image=x')).toThrow('field label not supported: spec.image')
})

test('a selector object joins its parts', () => {
  const selector = {
    matchLabels: { a: '1' },
    matchExpressions: [
      { key: 'b', operator: 'NotIn', values: ['2'] },
      { key: 'c', operator: 'Exists' },
    ],
  }
  expect(matchesLabelSelector(selector, { a: '1', c: '' })).toBe(true)
  expect(matchesLabelSelector(selector, { a: '1', b: '2', c: '' })).toBe(false)
  expect(matchesLabelSelector(selector, { a: '1' })).toBe(false)
  expect(matchesLabelSelector(undefined, {})).toBe(true)
  expect(() => matchesLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Like' }] }, {})).toThrow(ApiFailure)
})
