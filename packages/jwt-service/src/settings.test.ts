import { readProgram } from '@pallas/config'
import { expect, test } from 'vitest'
import { program } from './settings.ts'

const read = (argv: readonly string[], env: Record<string, string> = {}) => {
  const reading = readProgram(program, { argv, env, version: 'test' })
  return reading.kind === 'run' ? reading.settings : undefined
}
const PAIR = ['--key', '/k', '--cert', '/c']

test('what is ours has defaults', () => {
  expect(read(PAIR)).toMatchObject({ revokedAgents: undefined, adminListen: { host: '', port: 9901 }, logLevel: 'info' })
})

test.each([
  ['no key pair', []],
  ['documents that live longer than any may', [...PAIR, '--token-expiry', '15m1s']],
  ['documents that expire before they arrive', [...PAIR, '--token-expiry', '1s']],
  ['agents without a name', [...PAIR, '--identity-cn=']],
  ['a name of keys that is a path', [...PAIR, '--secret-name', '../x']],
])('refused: %s', (_name, argv) => {
  expect(() => read(argv)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
