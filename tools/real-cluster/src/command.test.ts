import { expect, test } from 'vitest'
import { parseCommand } from './command.ts'

test.each([
  ['up', { kind: 'up' }],
  ['down', { kind: 'down', keepLogs: false }],
  ['down --keep-logs', { kind: 'down', keepLogs: true }],
  ['status', { kind: 'status', json: false }],
  ['status --json', { kind: 'status', json: true }],
  ['load a.tar b', { kind: 'load', images: ['a.tar', 'b'] }],
  ['load', { kind: 'load', images: [] }],
  ['reboot', { kind: 'reboot' }],
  ['check', { kind: 'check' }],
  ['restart kubelet', { kind: 'restart', name: 'kubelet' }],
  ['kubectl get pods -A --help', { kind: 'kubectl', args: ['get', 'pods', '-A', '--help'] }],
  ['kubectl', { kind: 'kubectl', args: [] }],
  ['--help', { kind: 'help' }],
])('%s is understood', (line, command) => {
  expect(parseCommand(line.split(' '))).toEqual(command)
})

test('nothing at all asks for help', () => {
  expect(parseCommand([])).toEqual({ kind: 'help' })
})

test.each(['up now', 'reboot kubelet', 'check go', 'down --keep', 'status --jason', 'restart', 'restart kubelet etcd', 'stop'])('%s is wrong', (line) => {
  expect(parseCommand(line.split(' '))).toMatchObject({ kind: 'wrong', problem: expect.any(String) })
})
