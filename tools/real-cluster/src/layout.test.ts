import { expect, test } from 'vitest'
import { clusterAt, stateDirectoryOf } from './layout.ts'

const UNIX_PATH_LIMIT = 107

test('sockets fit into the longest state directory there may be', () => {
  const state = `/${'s'.repeat(34)}/dir`
  const { containerdSocket, nriSocket } = clusterAt(stateDirectoryOf({ PALLAS_CLUSTER_STATE: state }))
  for (const socket of [`${containerdSocket}.ttrpc`, nriSocket]) expect(socket.length).toBeLessThanOrEqual(UNIX_PATH_LIMIT)
  expect(`${state}/s`.length).toBeLessThanOrEqual(42)
})

test.each([
  ['too long a one', `/var/${'s'.repeat(40)}`],
  ['the root', '/'],
  ['a directory of the root', '/var'],
  ['one with a blank', '/var/a b'],
])('%s is no state directory', (_name, state) => {
  expect(() => stateDirectoryOf({ PALLAS_CLUSTER_STATE: state })).toThrow(expect.objectContaining({ code: 'CLUSTER_STATE' }))
})

test('without a word of the user it is below /var/lib', () => {
  expect(stateDirectoryOf({})).toBe('/var/lib/pallas-cluster')
})
