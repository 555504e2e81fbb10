import { expect, test } from 'vitest'
import { isNewEnough, isOnPath, missingControllers, ownsAllUsers } from './machine.ts'
import { interfaceInOurWay, isThere } from './network.ts'

test.each(['go1.26.6', 'go1.26.8', 'go1.27.0', 'go1.27rc1', 'go2.0'])('%s builds the cluster', (version) => {
  expect(isNewEnough(version)).toBe(true)
})

test.each(['go1.26.5', 'go1.26', 'go1.25.9', 'go1.9', 'devel', ''])('%s does not', (version) => {
  expect(isNewEnough(version)).toBe(false)
})

test('a tool is on the path when it can be run', () => {
  expect(isOnPath('sh', '/nowhere:/bin')).toBe(true)
  expect(isOnPath('passwd', '/etc')).toBe(false)
})

test.each([
  ['         0          0 4294967295\n', true],
  ['         0       1000          1\n', false],
  ['         0     100000      65536\n', false],
  ['', false],
])('whoever has the users %j is root of the machine: %s', (uidMap, owns) => {
  expect(ownsAllUsers(uidMap)).toBe(owns)
})

test('the controllers that a kubelet needs are missed by name', () => {
  expect(missingControllers(['cpu', 'cpuset', 'memory', 'pids', 'io'])).toEqual([])
  expect(missingControllers(['cpu', 'memory', undefined])).toEqual(['cpuset', 'pids'])
})

const at = (address: string) => [{ address, netmask: '', family: 'IPv4' as const, mac: '', internal: false, cidr: null }]

test.each([
  ['an address of the pods', { eth1: at('10.77.0.9') }, 'eth1'],
  ['an address of the Services', { lo: at('127.0.0.1'), tun0: at('10.96.0.200') }, 'tun0'],
  ['nothing of ours', { eth0: at('10.0.0.5'), lo: at('127.0.0.1') }, undefined],
])('%s: who is in the way is named', (_name, interfaces, name) => {
  expect(interfaceInOurWay(interfaces, false)).toBe(name)
})

test('a bridge that nobody is plugged into is in the way too', () => {
  expect(interfaceInOurWay({}, true)).toBe('pallas0')
  expect(isThere('lo')).toBe(true)
  expect(isThere('none0')).toBe(false)
})
