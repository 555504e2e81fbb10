import { expect, test } from 'vitest'
import { parseCommand } from './command.ts'

test('without options it shows an identity, with a patience of two minutes', () => {
  expect(parseCommand([])).toEqual({ kind: 'show', kubeconfig: undefined, kubectl: undefined, pluginDir: undefined, timeoutMs: 120_000 })
})

test('what was typed is taken', () => {
  const argv = ['--delete', '--kubeconfig', 'k', '--kubectl', '/bin/k', '--plugin-dir', '/home/kubernetes/flexvolume', '--timeout', '30']
  expect(parseCommand(argv)).toEqual({ kind: 'delete', kubeconfig: 'k', kubectl: '/bin/k', pluginDir: '/home/kubernetes/flexvolume', timeoutMs: 30_000 })
})

test.each([
  ['a patience that is none', ['--timeout', '0']],
  ['a patience that is no number', ['--timeout', '2m']],
  ['a plugin directory that is not absolute', ['--plugin-dir', 'plugins']],
  ['a plugin directory with a line break', ['--plugin-dir', '/a\nb']],
  ['an option that there is not', ['--force']],
  ['a word', ['please']],
])('%s is wrong', (_what, argv) => {
  expect(parseCommand(argv)).toMatchObject({ kind: 'wrong', problem: expect.any(String) })
})
