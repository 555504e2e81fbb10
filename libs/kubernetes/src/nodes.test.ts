import { expect, test } from 'vitest'
import { nodeAddressesOf, nodeOf } from './nodes.ts'

const metadata = { name: 'node-1', uid: 'u-1' }

test('a node calls itself by its Hostname and InternalDNS, each once, and by no IP address', () => {
  const addresses = [
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'Hostname', address: 'node-1' },
    { type: 'InternalDNS', address: 'node-1' },
    { type: 'InternalDNS', address: 'node-1.internal.example' },
    { type: 'ExternalDNS', address: 'node-1.example' },
  ]
  expect(nodeAddressesOf(nodeOf({ metadata, status: { addresses } }))).toEqual(['node-1', 'node-1.internal.example'])
})

test('a node that just registered has no address', () => {
  expect(nodeAddressesOf(nodeOf({ metadata, status: {} }))).toEqual([])
})

test.each([
  ['nothing', undefined, ''],
  ['no name', { metadata: { uid: 'u' } }, 'metadata.name'],
  ['no uid', { metadata: { name: 'n' } }, 'metadata.uid'],
  ['addresses that are no list', { metadata, status: { addresses: {} } }, 'status.addresses'],
  ['an address that is a text', { metadata, status: { addresses: ['node-2'] } }, 'status.addresses'],
  ['an address without type', { metadata, status: { addresses: [{ address: 'node-2' }] } }, 'status.addresses'],
])('%s is no node', (_name, object, path) => {
  expect(() => nodeOf(object)).toThrow(expect.objectContaining({ code: 'KUBE_BAD_ANSWER', fields: { path } }))
})
