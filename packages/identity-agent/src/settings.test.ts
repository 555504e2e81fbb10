import { readSettings } from '@pallas/config/testing'
import { expect, test } from 'vitest'
import { program } from './settings.ts'

const needed = ['--key=/k', '--cert=/c', '--pod-endpoint=https://127.0.0.1:10250', '--jwt-endpoint=https://jwt:4443/v1']

const read = (argv: readonly string[], env: Record<string, string> = {}) => readSettings(program, { argv, env })

test('defaults are those of the original, and those of ours (C10)', () => {
  expect(read(needed)).toMatchObject({
    listen: undefined,
    podServiceTimeout: 10_000,
    jwtServiceTimeout: 10_000,
    shutdownGrace: 10_000,
    driverSource: '/usr/bin/athenz-volume-driver',
    driverTarget: '/drivers/athenz-volume-driver',
    config: '/var/cluster/config.yaml',
    volumesDir: '/var/athenz/volumes',
    procRoot: '/proc',
    requirePidfd: false,
    cgroupPrefix: '',
    attestation: 'peer',
    podIpTimeout: 30_000,
    certificateLife: 86_400_000,
  })
})

const [key = '', cert = '', ...others] = needed
test.each([
  ['neither form', []],
  ['a key without its certificate', [key]],
  ['a certificate without its key', [cert]],
  ['both forms', [key, cert, '--identity-token-file=/t']],
  ['both, half of one', [key, '--identity-token-file=/t']],
])('an identity of the agent itself is needed, in one form: not %s', (_name, given) => {
  expect(() => read([...others, ...given])).toThrow('--identity-token-file or --key (KEY_FILE) and --cert (CERT_FILE)')
})

test('with a token the agent keeps what it gets in a directory of its own', () => {
  expect(read([...others, '--identity-token-file=/t'])).toMatchObject({ identityTokenFile: '/t', identityDir: '/var/run/athenz/identity', key: undefined })
  expect(() => read([...others, '--identity-token-file=/t', '--identity-dir=here'])).toThrow('--identity-dir must be an absolute path')
})

test("the original's variables still count (C10)", () => {
  const env = {
    ADDR: 'unix:///var/athenz/agent/agent.sock',
    KEY_FILE: '/k',
    CERT_FILE: '/c',
    POD_ENDPOINT: 'https://$NODE_IP:10250',
    JWT_ENDPOINT: 'https://jwt:4443/v1',
    POD_TIMEOUT: '3s',
    JWT_TIMEOUT: '4s',
    SHUTDOWN_GRACE: '5s',
    DRIVER_SOURCE: '/s',
    DRIVER_TARGET: '/t',
    CONFIG_URL: '/config.yaml',
  }
  expect(read([], env)).toMatchObject({
    listen: { kind: 'unix', path: '/var/athenz/agent/agent.sock' },
    key: '/k',
    cert: '/c',
    podEndpoint: 'https://$NODE_IP:10250',
    podServiceTimeout: 3_000,
    jwtServiceTimeout: 4_000,
    shutdownGrace: 5_000,
    driverSource: '/s',
    driverTarget: '/t',
    config: '/config.yaml',
  })
})

test('an empty flag means that no driver is installed', () => {
  expect(read([...needed, '--driver-target', '']).driverTarget).toBe('')
})

test.each([
  ['tcp has no peers', ['--listen', 'tcp://127.0.0.1:80'], '--listen must be unix'],
  ['a shared socket needs the kernel', ['--isolation', 'shared', '--attestation', 'handle-only'], '--isolation shared needs --attestation peer'],
  ['sockets must fit', ['--volumes-dir', `/${'v'.repeat(50)}`], '--volumes-dir must be at most'],
  ['paths are absolute', ['--volumes-dir', 'v'], '--volumes-dir must be an absolute path'],
  ['the proc root too', ['--proc-root', 'proc'], '--proc-root must be an absolute path'],
  ['the target too', ['--driver-target', 'driver'], '--driver-target must be an absolute path'],
  ['the prefix too', ['--cgroup-prefix', 'docker'], '--cgroup-prefix must be an absolute path'],
  ['attestation is one of two', ['--attestation', 'none'], '--attestation'],
])('%s', (_name, argv, problem) => {
  expect(() => read([...needed, ...argv])).toThrow(problem)
})
