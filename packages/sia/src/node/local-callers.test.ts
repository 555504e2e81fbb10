import { expect, test } from 'vitest'
import { type Arrival, isLoopback, refuseWebPages } from './local-callers.ts'

const arrival = (headers: Arrival['headers'], localAddress = '127.0.0.1'): Arrival => ({
  headers,
  rawHeaders: Object.entries(headers).flatMap(([name, value]) => [name, String(value)]),
  socket: { localAddress },
})

test.each([
  ['localhost', 'localhost:8880'],
  ['the loopback', '127.0.0.1:8880'],
  ['another address of the loopback', '127.0.0.53'],
  ['the loopback of IPv6', '[::1]:8880'],
  ['the same, written out', '[0:0:0:0:0:0:0:1]:8880'],
  ['capital letters', 'LocalHost:8880'],
  ['the host of the settings', 'tokens.internal:8880'],
])('a program that calls %s is served', (_what, host) => {
  expect(() => refuseWebPages(arrival({ host }), 'tokens.internal')).not.toThrow()
})

test.each([
  ['10.1.2.3', '10.1.2.3:8880'],
  ['::ffff:10.1.2.3', '10.1.2.3:8880'],
  ['fd00::7', '[fd00:0::7]:8880'],
])('the address %s that the connection came to is a name for it', (local, host) => {
  expect(() => refuseWebPages(arrival({ host }, local), '0.0.0.0')).not.toThrow()
})

test.each([
  ['a page of another site', { host: 'localhost:8880', origin: 'https://evil.example' }],
  ['a page without a site', { host: 'localhost:8880', origin: 'null' }],
  ['a page of this machine', { host: 'localhost:8880', origin: 'http://localhost:8880' }],
  ['a name that somebody made lead here', { host: 'evil.example:8880' }],
  ['a name that begins like ours', { host: 'localhost.evil.example' }],
  ['a name that begins like an address', { host: '127.0.0.1.evil.example' }],
  ['another address', { host: '10.9.9.9:8880' }],
  ['an address in another notation', { host: '2130706433' }],
  ['nobody', {}],
  ['an empty host', { host: '' }],
  ['two hosts', { host: 'localhost, evil.example' }],
  ['a user', { host: 'localhost@evil.example' }],
])('%s is refused', (_what, headers) => {
  expect(() => refuseWebPages(arrival(headers), '127.0.0.1')).toThrow(expect.objectContaining({ code: 'WEB_PAGE_REFUSED' }))
})

test('two lines that name a host are refused, whatever the first says', () => {
  const rawHeaders = ['Host', 'localhost', 'host', 'evil.example']
  const twice = { ...arrival({ host: 'localhost' }), rawHeaders }
  expect(() => refuseWebPages(twice, '127.0.0.1')).toThrow(expect.objectContaining({ code: 'WEB_PAGE_REFUSED' }))
})

test('only what no other machine can reach is the loopback', () => {
  expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost'].map(isLoopback)).toEqual([true, true, true, true])
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', ''].map(isLoopback)).toEqual([false, false, false, false, false])
})
