import { expect, test } from 'vitest'
import { IMAGES } from './catalogue.ts'
import { parseCommand } from './command.ts'

test('without names, every image is made; with names, those, in the order of the catalogue', () => {
  expect(parseCommand([])).toEqual({ kind: 'make', images: IMAGES })
  const some = parseCommand(['athenz-sia', 'athenz-callback'])
  expect(some.kind === 'make' && some.images.map(({ name }) => name)).toEqual(['athenz-callback', 'athenz-sia'])
})

test('files are written where the command line says', () => {
  expect(parseCommand(['--files', '/x', 'athenz-sia'])).toMatchObject({ kind: 'files', dir: '/x', images: [{ name: 'athenz-sia' }] })
  expect(parseCommand(['--list'])).toEqual({ kind: 'list' })
  expect(parseCommand(['-h'])).toEqual({ kind: 'help' })
})

test.each([
  ['an image that does not exist', ['athenz-sai'], /no image athenz-sai; there are .*athenz-sia/],
  ['an option that does not exist', ['--flies', '/x'], /--flies/],
  ['a directory that is not named', ['--files', ''], /needs a directory/],
])('%s is told', (_name, argv, problem) => {
  expect(parseCommand(argv)).toEqual({ kind: 'wrong', problem: expect.stringMatching(problem) })
})
