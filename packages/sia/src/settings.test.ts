import { ConfigError, readProgram } from '@pallas/config'
import { expect, test } from 'vitest'
import { controlProgram } from './control-settings.ts'
import { program } from './settings.ts'

const read = (argv: readonly string[], env: Record<string, string> = {}) =>
  readProgram(program, { argv: ['--mode=init', ...argv], env, version: '0' })

const problemsOf = (argv: readonly string[], env: Record<string, string> = {}): readonly string[] => {
  try {
    read(argv, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('the defaults are those of the original', () => {
  expect(read([])).toMatchObject({
    settings: {
      mode: 'init',
      idFile: '/identity/id',
      endpoint: { kind: 'unix', path: '/identity/connect/agent.sock' },
      refreshInterval: undefined,
      outNtoken: '/tokens/ntoken',
      outKey: '/tls/service.key',
      outCert: '/tls/service.cert',
      outCaCert: '/tls/cacert.pem',
      keyOrigin: 'pod',
    },
  })
})

test('the variables are those of the original, and an empty one counts as unset', () => {
  const env = { ID_FILE: '/x/id', REFRESH_INTERVAL: '1h', KEY_FILE: '/k/key', CERT_FILE: '' }
  expect(read([], env)).toMatchObject({
    settings: { idFile: '/x/id', refreshInterval: 3_600_000, outKey: '/k/key', outCert: '/tls/service.cert' },
  })
})

test('an empty flag is a file not wanted', () => {
  expect(read(['--out-ca-cert=', '--out-ntoken='])).toMatchObject({ settings: { outCaCert: '', outNtoken: '' } })
})

test('an endpoint that is a ZTS, as of another SIA, is refused', () => {
  expect(problemsOf([], { ENDPOINT: 'https://zts.example:4443/zts/v1' })).toEqual([expect.stringContaining('unix:///path')])
})

test.each([
  ['a socket path that no kernel takes', [`--endpoint=unix:///${'a'.repeat(107)}`], '107 bytes'],
  ['two outputs in one file', ['--out-key=/tls/x', '--out-cert=/tls/x'], 'name the same file'],
  ['a relative path', ['--out-key=service.key'], 'absolute'],
  ['a file directly below the root', ['--out-key=/service.key'], 'absolute'],
  ['a way up', ['--out-key=/tls/../etc/key'], 'absolute'],
  ['a way up at the end', ['--out-key=/tls/..'], 'absolute'],
  ['a name of a generation', ['--out-key=/tls/..data/key'], 'absolute'],
  ['an empty part', ['--out-key=/tls//key'], 'absolute'],
  ['a directory', ['--out-key=/tls/'], 'absolute'],
  ['a part that stays', ['--out-key=/tls/./key'], 'absolute'],
])('%s is a problem that is told', (_name, argv, problem) => {
  expect(problemsOf(argv)).toEqual([expect.stringContaining(problem)])
})

test.each(['/tls/service.key', '/a/b/c.d/e', '/tls/.hidden', '/tls/a..b'])('%s is a path for an output', (path) => {
  expect(problemsOf([`--out-key=${path}`])).toEqual([])
})

test('the control plane has the defaults and variables of the original', () => {
  const env = { NAMESPACE: 'k8s-admin', ACCOUNT: 'athenz-callback' }
  expect(readProgram(controlProgram, { argv: ['-mode', 'refresh'], env, version: '0' })).toMatchObject({
    settings: {
      identityDir: '/var/tls/athenz/private',
      refreshInterval: 24 * 3_600_000,
      outNtoken: '/tokens/ntoken',
      outCert: '/var/tls/athenz/public/service.cert',
      outCaCert: '/var/tls/athenz/public/ca.cert',
      config: '/var/cluster/config.yaml',
    },
  })
})

test('a mode is required', () => {
  const nothing = { argv: [], env: {}, version: '0' }
  expect(() => readProgram(program, nothing)).toThrow(/--mode.*required/)
  expect(() => readProgram(controlProgram, nothing)).toThrow(/--mode.*required/)
})
