import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { address, cidr, duration, endpoint, flag, integer, type Kind, list, localAddress, name, oneOf, path, text, url } from './index.ts'

const https = url({ protocols: ['https'] })

test.each<[Kind<unknown>, string, unknown]>([
  [text, '', ''],
  [name, 'zts.example', 'zts.example'],
  [path, '/var/x', '/var/x'],
  [flag, 'T', true],
  [flag, '0', false],
  [integer(), '0', 0],
  [integer({ min: -2 }), '-2', -2],
  [oneOf('init', 'refresh'), 'init', 'init'],
  [list(text), '', []],
  [list(text), ' a, b ', ['a', 'b']],
  [list(integer()), '1,2', [1, 2]],
  [duration(), '0', 0],
  [duration(), '300ms', 300],
  [duration(), '1.5h', 5_400_000],
  [duration(), '1h30m', 5_400_000],
  [duration(), '1.1s', 1_100],
  [duration(), '.5s', 500],
  [duration(), '2000us', 2],
  [address, ':4443', { host: '', port: 4443 }],
  [address, '[::1]:0', { host: '::1', port: 0 }],
  [address, 'jwt.k8s-admin:4443', { host: 'jwt.k8s-admin', port: 4443 }],
  [localAddress, ':4443', { host: '127.0.0.1', port: 4443 }],
  [localAddress, '0.0.0.0:4443', { host: '0.0.0.0', port: 4443 }],
  [endpoint, 'unix:///identity/connect/agent.sock', { kind: 'unix', path: '/identity/connect/agent.sock' }],
  [endpoint, 'tcp://127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
  [https, 'https://zts:4443/zts/v1', 'https://zts:4443/zts/v1'],
  [https, 'https://[::1]', 'https://[::1]'],
  [cidr, '10.0.0.0/8', { text: '10.0.0.0/8', bits: 8 }],
  [cidr, 'fd00::/64', { text: 'fd00::/64', bits: 64 }],
])('%# a %o reads %j', (kind, input, value) => {
  expect(kind.parse(input)).toEqual(value)
})

test.each<[Kind<unknown>, string, string]>([
  [name, '', 'must be a name'],
  [name, ' ', 'must be a name'],
  [name, 'zts.example ', 'must be a name'],
  [path, '', 'must be a path'],
  [flag, 'yes', 'must be true or false'],
  [integer(), '1.5', 'must be a whole number'],
  [integer(), '0x10', 'must be a whole number'],
  [integer({ min: 1, max: 9 }), '10', 'must be 1 to 9'],
  [oneOf('a', 'b'), 'A', 'must be one of a, b'],
  [list(text), 'a,,b', 'has an empty member'],
  [duration(), '5', 'must look like 300ms, 10s, 1.5h or 1h30m'],
  [duration(), '-5s', 'must look like 300ms, 10s, 1.5h or 1h30m'],
  [duration(), '5s later', 'must look like 300ms, 10s, 1.5h or 1h30m'],
  [duration(), '1.s.', 'must look like 300ms, 10s, 1.5h or 1h30m'],
  [duration(), '1ns', 'must be whole milliseconds'],
  [duration(), '99999999999999999h', 'is too long'],
  [duration({ min: '1s', max: '15m' }), '1h', 'must be at least 1s and at most 15m'],
  [address, '4443', 'must look like 127.0.0.1:4443 or :4443'],
  [address, '::1:4443', 'must look like 127.0.0.1:4443 or :4443'],
  [address, 'a:70000', 'must have a port up to 65535'],
  [endpoint, 'http://a', 'must look like unix:///path or tcp://host:port'],
  [endpoint, 'unix://', 'must look like unix:///path or tcp://host:port'],
  [https, 'http://zts', 'must look like https://host:port/path'],
  [https, 'https://user@zts', 'must look like https://host:port/path'],
  [https, 'https://zts?x', 'must look like https://host:port/path'],
  [https, 'https://zts:99999', 'must have a port up to 65535'],
  [cidr, '10.0.0.0/33', 'must look like 10.0.0.0/8'],
  [cidr, '10.0.0.256/8', 'must look like 10.0.0.0/8'],
  [cidr, '10.0.0.0', 'must look like 10.0.0.0/8'],
])('%# a %o does not read %j', (kind, input, message) => {
  expect(() => kind.parse(input)).toThrow(new TypeError(message))
})

test('durations add up, in any order of units', () => {
  const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
  const part = fc.tuple(fc.nat({ max: 999 }), fc.constantFrom<keyof typeof units>('h', 'm', 's', 'ms'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const written = parts.map(([amount, unit]) => `${amount}${unit}`).join('')
      expect(duration().parse(written)).toBe(parts.reduce((sum, [amount, unit]) => sum + amount * units[unit], 0))
    }),
  )
})
