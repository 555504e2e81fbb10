import { readProgram } from '@pallas/config'
import { describe, expect, test } from 'vitest'
import { program } from './settings.ts'

const read = (argv: readonly string[], env: Record<string, string> = {}) => {
  const reading = readProgram(program, { argv, env, version: 'test' })
  return reading.kind === 'run' ? reading.settings : undefined
}

test('what is ours has defaults', () => {
  expect(read([])).toMatchObject({ clientIp: { kind: 'ignore' }, leaseNamespace: 'k8s-admin', ztsTimeout: 20_000 })
})

describe('the addresses that may dial zts', () => {
  test.each([
    ['ignore', { kind: 'ignore' }],
    ['node', { kind: 'node' }],
    ['10.0.0.0/8, fd00::/8', { kind: 'cidrs', cidrs: ['10.0.0.0/8', 'fd00::/8'] }],
  ])('may be %s', (text, policy) => {
    expect(read(['--client-ip', text])?.clientIp).toEqual(policy)
  })

  test.each(['', 'nobody', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/8,'])('may not be "%s"', (text) => {
    expect(() => read([`--client-ip=${text}`])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

test.each([
  ['a ZTS without a name', ['--zts-name=']],
  ['a name of keys that is a path', ['--secret-name', '../x']],
  ['a namespace that is none', ['--lease-namespace', 'K8s']],
  ['an api server without https', ['--api-server', 'http://127.0.0.1']],
])('refused: %s', (_name, argv) => {
  expect(() => read(argv)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
