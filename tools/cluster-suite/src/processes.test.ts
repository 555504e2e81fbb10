import { expect, test } from 'vitest'
import { newIn } from './processes.ts'

test('a mount that is there once more than before is new, though its path is known', () => {
  expect(newIn(['/a', '/a', '/b', '/c'], ['/a', '/b', '/d'])).toEqual(['/a', '/c'])
  expect(newIn(['/a'], ['/a', '/a'])).toEqual([])
})
