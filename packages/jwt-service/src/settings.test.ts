import { readProgram } from '@pallas/config'
import { expect, test } from 'vitest'
import { program } from './settings.ts'

const read = (argv: readonly string[], env: Record<string, string> = {}) => {
  const reading = readProgram(program, { argv, env, version: 'test' })
  return reading.kind === 'run' ? reading.settings : undefined
}
const PAIR = ['--key', '/k', '--cert', '/c']

test('the defaults of the original stand', () => {
  expect(read(PAIR)).toMatchObject({
    listen: { host: '', port: 4443 },
    signKeyDir: '/var/keys/private',
    secretName: 'athenz-init-secret',
    identityCn: undefined,
    tokenExpiry: 300_000,
    shutdownGrace: 10_000,
    config: '/var/cluster/config.yaml',
  })
})

test('the variables of the original are read', () => {
  const env = { ADDR: ':1', KEY_FILE: '/k', CERT_FILE: '/c', PRIVATE_KEYS_DIR: '/p', IDENTITY_CN: 'cn', TOKEN_EXPIRY: '10m' }
  expect(read([], env)).toMatchObject({
    listen: { port: 1 },
    key: '/k',
    cert: '/c',
    signKeyDir: '/p',
    identityCn: 'cn',
    tokenExpiry: 600_000,
  })
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
