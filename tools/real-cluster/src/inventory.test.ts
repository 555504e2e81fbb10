import { expect, test } from 'vitest'
import { differencesOf } from './inventory.ts'

test('what has come and gone is told by kind', () => {
  const before = { mounts: ['/ ext4', '/proc proc'], links: ['lo'] }
  const after = { mounts: ['/ ext4'], links: ['lo', 'pallas0'] }
  expect(differencesOf(before, after)).toEqual(['- mounts: /proc proc', '+ links: pallas0'])
  expect(differencesOf(before, before)).toEqual([])
})

test('a second mount on the same path is one more', () => {
  const before = { mounts: ['/a tmpfs'] }
  expect(differencesOf(before, { mounts: ['/a tmpfs', '/a tmpfs'] })).toEqual(['+ mounts: /a tmpfs'])
  expect(differencesOf({ mounts: ['/a tmpfs', '/a tmpfs'] }, before)).toEqual(['- mounts: /a tmpfs'])
})
