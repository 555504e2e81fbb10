import { ConfigError, readProgram } from '@pallas/config'
import { expect, test } from 'vitest'
import { controlProgram } from '../control/control-settings.ts'
import { agentOf, program, ztsOf } from './settings.ts'

const read = (argv: readonly string[], env: Record<string, string> = {}) =>
  readProgram(program, { argv: ['--mode=init', ...argv], env, version: '0' })

const problemsOf = (argv: readonly string[], env: Record<string, string> = {}, mode = 'init'): readonly string[] => {
  try {
    readProgram(program, { argv: [`--mode=${mode}`, ...argv], env, version: '0' })
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
      outKey: ['/tls/service.key'],
      outCert: ['/tls/service.cert'],
      outCaCert: '/tls/cacert.pem',
      keyOrigin: 'pod',
    },
  })
})

test('the variables are those of the original, and an empty one counts as unset', () => {
  const env = { ID_FILE: '/x/id', REFRESH_INTERVAL: '1h', KEY_FILE: '/k/key', CERT_FILE: '' }
  expect(read([], env)).toMatchObject({
    settings: { idFile: '/x/id', refreshInterval: 3_600_000, outKey: ['/k/key'], outCert: ['/tls/service.cert'] },
  })
})

test('an empty flag is a file not wanted', () => {
  expect(read(['--out-ca-cert=', '--out-ntoken='])).toMatchObject({ settings: { outCaCert: '', outNtoken: '' } })
})

test('an endpoint that is a ZTS, as of another SIA, leaves the agent where it always is (C10)', () => {
  const zts = 'https://zts.example:4443/zts/v1'
  const reading = read([], { ENDPOINT: zts })
  if (reading.kind === 'print') throw new Error(reading.text)
  expect(ztsOf(reading.settings)).toBe(zts)
  expect(agentOf(reading.settings)).toEqual({ kind: 'unix', path: '/identity/connect/agent.sock' })
})

const ASKED = ['--target-domain-roles=media:role.reader', '--zts-endpoint=https://zts.example/zts/v1', '--server-ca-cert=/ca']
const ROLES = [...ASKED, '--rolecert-dir=/roles']

test.each([
  ['roles without a ZTS', ['--target-domain-roles=media:role.a', '--rolecert-dir=/r', '--server-ca-cert=/ca'], '--zts-endpoint'],
  [
    'roles without its authorities: the system\'s are never taken (W24)',
    ['--target-domain-roles=media:role.a', '--rolecert-dir=/r', '--zts-endpoint=https://zts/zts/v1'],
    '--server-ca-cert',
  ],
  ['roles with no place for them', ASKED, 'needs --rolecert-dir'],
  ['a role asked for twice', ['--target-domain-roles=a:role.b,A:role.b', ...ROLES.slice(1)], 'twice'],
  ['two places for role certificates', [...ROLES, '--role-cert-naming-format=/r/{{role}}'], 'exclude'],
  ['a place for their keys beside a directory', [...ROLES, '--role-cert-key-naming-format=/r/{{role}}'], 'exclude'],
  ['keys with a format for certificates alone', [...ASKED, '--role-cert-naming-format=/r/{{role}}', '--rolecert-key-file-output'], '--role-cert-key-naming-format'],
  ['a place for keys alone', [...ASKED, '--token-dir=/t', '--role-cert-key-naming-format=/r/{{role}}'], 'needs --role-cert-naming-format'],
  ['two places for tokens', [...ASKED, '--token-dir=/t', '--access-token-naming-format=/t/{{role}}'], 'exclude'],
  ['a placeholder that is none', [...ASKED, '--role-cert-naming-format=/r/{{name}}'], 'nothing else in braces'],
  ['a format that gives two roles one file', [...ASKED.slice(1), '--target-domain-roles=a:role.b,a:role.c', '--role-cert-naming-format=/r/{{domain}}'], '--role-cert-naming-format names the same file'],
  ['role certificates in the place of the key', [...ASKED, '--role-cert-naming-format=/tls/service.key'], 'name the same file'],
  ['a file in the place of a directory', [...ASKED, '--role-cert-naming-format=/tls/service.key/{{role}}'], 'a file and its directory'],
  ['a delimiter that leads elsewhere', [...ROLES, '--role-cert-filename-delimiter=/../'], 'no slash'],
  ['a role that would leave the directory', ['--target-domain-roles=media:role.../../etc/x'], 'must look like'],
  ['a domain that would leave the directory', ['--target-domain-roles=../etc:role.x'], 'must look like'],
  ['a domain that is a name of a generation', ['--target-domain-roles=..data'], 'must look like'],
  ['a role of no name', ['--target-domain-roles=media:role.'], 'must look like'],
  ['a directory that is relative', [...ASKED, '--rolecert-dir=roles'], 'absolute'],
  ['two ZTS', ['--endpoint=https://a/zts/v1', '--zts-endpoint=https://b/zts/v1'], 'different ZTS'],
  ['no file for the key', ['--out-key= ,'], 'empty member'],
  ['one path twice', ['--out-key=/tls/k,/tls/k'], 'the same file'],
  ['a life in parts of a second', ['--token-expiry=1500ms'], 'whole seconds'],
  ['half of the TLS of the token server', ['--token-server-tls-cert-path=/x'], 'go together'],
  ['authorities of clients without TLS', ['--token-server-tls-ca-path=/x'], 'needs --token-server-tls-cert-path'],
  ['a signal for nobody', ['--hook-signal=SIGHUP'], 'go together'],
  ['a hook that a shell would have to find', ['--hook-command=nginx,-s,reload'], 'absolute path'],
  ['a token server that serves nothing', ['--mode=refresh', '--token-server-addr=:1', ...ASKED.slice(1)], 'needs --token-server-rest-api'],
  ['a way to serve tokens and no server', ['--use-token-server'], 'need --token-server-addr'],
])('%s: told once, with the setting that is meant', (_name, argv, problem) => {
  const isRefresh = argv.includes('--mode=refresh')
  expect(problemsOf(argv.filter((it) => it !== '--mode=refresh'), {}, isRefresh ? 'refresh' : 'init')).toEqual([
    expect.stringContaining(problem),
  ])
})

test('in refresh a token must live longer than it is kept', () => {
  const argv = [...ASKED, '--token-dir=/t', '--token-expiry=30m']
  expect(problemsOf(argv)).toEqual([])
  expect(problemsOf(argv, {}, 'refresh')).toEqual([expect.stringContaining('longer than --token-refresh-interval')])
})

test.each([
  ['--token-server-addr', ':8880', '127.0.0.1', 'a bare port is for this machine alone'],
  ['--token-server-addr', '0.0.0.0:8880', '0.0.0.0', 'every address has to be named'],
  ['--token-server-addr', '[::1]:8880', '::1', 'one may be named'],
  ['--health-check-addr', ':8080', '', 'a kubelet comes from outside'],
  ['--metrics-server-addr', ':9999', '', 'Prometheus comes from outside'],
  ['--health-check-addr', '127.0.0.1:8080', '127.0.0.1', 'one may be named'],
])('%s=%s listens on "%s": %s (W28)', (flag, text, host) => {
  const argv = [flag, text, ...(flag === '--token-server-addr' ? ['--token-server-rest-api'] : []), ...ASKED.slice(1)]
  const reading = readProgram(program, { argv: ['--mode=refresh', ...argv], env: {}, version: '0' })
  const { tokenServerAddr, healthCheckAddr, metricsServerAddr } = reading.kind === 'run' ? reading.settings : {}
  expect((tokenServerAddr ?? healthCheckAddr ?? metricsServerAddr)?.host).toBe(host)
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
