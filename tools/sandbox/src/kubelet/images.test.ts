import { expect, test } from 'vitest'
import { container } from '../testing/pod-parts.ts'
import { createImages } from './images.ts'

const images = createImages({ env: {}, programs: { '/usr/bin/sia': ['node', 'sia.ts'] } })

test.each([
  ['a known command', ['/usr/bin/sia'], ['--mode=init'], ['node', 'sia.ts', '--mode=init']],
  ['any other command', ['sh', '-c'], ['true'], ['sh', '-c', 'true']],
  ['arguments alone', [], ['true'], ['true']],
])('%s becomes what runs it here', (_what, command, args, argv) => {
  expect(images.argvOf(container('main', { command, args }))).toEqual(argv)
})

test('a container without a command is refused: there is no entrypoint', () => {
  expect(() => images.argvOf({ name: 'main', image: 'x' })).toThrow('container main has no command')
})
