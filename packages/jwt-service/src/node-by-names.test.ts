import type { IdentityError } from '@pallas/identity'
import type { Node } from '@pallas/kubernetes'
import { FakeClock } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { createNodeByNames } from './node-by-names.ts'

const aNode = (name: string, ...addresses: readonly [type: string, address: string][]): Node => ({
  name,
  uid: `uid-${name}`,
  addresses: addresses.map(([type, address]) => ({ type, address })),
})

const one = aNode(
  'node-1',
  ['Hostname', 'one.example'],
  ['InternalDNS', 'one.internal'],
  ['ExternalDNS', 'one.world'],
  ['InternalIP', '10.0.0.1'],
)
const two = aNode('node-2', ['Hostname', 'node-2'])

function aCluster(...nodes: Node[]) {
  const clock = new FakeClock()
  let lists = 0
  const listNodes = async () => {
    lists++
    return [...nodes]
  }
  return { nodes, clock, lists: () => lists, nodeOf: createNodeByNames({ listNodes, clock }) }
}

describe('the node of a provisioned certificate', () => {
  test.each([
    ['its name', ['node-1']],
    ['its hostname', ['one.example']],
    ['its internal DNS name', ['one.internal']],
    ['one of several names, the others being no node', ['agent.k8s-admin.svc', 'node-1']],
    ['several names of the same node', ['node-1', 'one.internal']],
  ])('is known by %s', async (_name, dnsNames) => {
    expect(await aCluster(one, two).nodeOf(dnsNames)).toBe('node-1')
  })

  test.each([
    ['no name', []],
    ['a name of no node', ['node-3']],
    ['a name in another case', ['NODE-1']],
    ['a name that is only part of one', ['one']],
    ['an external name', ['one.world']],
    ['an address', ['10.0.0.1']],
    ['a wildcard', ['*.example']],
    ['two nodes', ['node-1', 'node-2']],
  ])('is unknown by %s', async (_name, dnsNames) => {
    await expect(aCluster(one, two).nodeOf(dnsNames)).rejects.toMatchObject({ code: 'NODE_UNKNOWN', kind: 'denied' })
  })

  test('is the one of that name, whichever other node claims the name as its address', async () => {
    const claims = ['node-1', 'node-2', 'one.internal'].map((name): [string, string] => ['InternalDNS', name])
    const { nodeOf } = aCluster(aNode('evil', ...claims), one, two)
    for (const name of ['evil', 'node-1', 'node-2']) expect(await nodeOf([name])).toBe(name)
    expect(await nodeOf(['node-1', 'one.internal'])).toBe('node-1')
  })

  test.each([
    ['two nodes have the same address', ['one.internal']],
    ['its addresses belong to different nodes', ['one.example', 'two.example']],
  ])('is not decided now, and both are told, while %s', async (_name, dnsNames) => {
    const { nodeOf } = aCluster(one, aNode('evil', ['InternalDNS', 'one.internal'], ['Hostname', 'two.example']))
    await expect(nodeOf(dnsNames)).rejects.toMatchObject({
      code: 'NODE_AMBIGUOUS',
      kind: 'unavailable',
      fields: { count: 2, nodes: ['evil', 'node-1'] },
    })
  })

  test('is not decided by however many claim an address, and a handful of them is told', async () => {
    const claimants = Array.from({ length: 50 }, (_, index) => aNode(`evil-${index}`, ['InternalDNS', 'one.internal']))
    const { nodeOf } = aCluster(one, ...claimants)
    const error: unknown = await nodeOf(['one.internal']).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'NODE_AMBIGUOUS', fields: { count: 51 } })
    expect((error as IdentityError).fields['nodes']).toHaveLength(10)
  })
})

describe('the list of nodes', () => {
  test('is read once for many agents, and again when it is old', async () => {
    const { nodeOf, lists, clock } = aCluster(one)
    await Promise.all(Array.from({ length: 20 }, () => nodeOf(['node-1'])))
    expect(lists()).toBe(1)
    await clock.advance(15_001)
    await nodeOf(['node-1'])
    expect(lists()).toBe(2)
  })

  test('is read again for the agent of a new node, but not at every request', async () => {
    const { nodes, nodeOf, lists, clock } = aCluster(one)
    await nodeOf(['node-1'])
    nodes.push(two)
    await clock.advance(1_001)
    expect(await nodeOf(['node-2'])).toBe('node-2')
    expect(lists()).toBe(2)
    for (let times = 0; times < 10; times++) await nodeOf(['node-9']).catch(() => {})
    expect(lists()).toBe(2)
  })

  test('the agent of a node that was deleted is refused within seconds (T23)', async () => {
    const { nodes, nodeOf, clock } = aCluster(one, two)
    expect(await nodeOf(['node-1'])).toBe('node-1')
    nodes.shift()
    await clock.advance(15_001)
    await expect(nodeOf(['node-1'])).rejects.toMatchObject({ code: 'NODE_UNKNOWN' })
  })

  test('that cannot be read is not kept as an answer', async () => {
    const answers = [Promise.reject(new Error('away')), Promise.resolve([one])]
    const listNodes = () => answers.shift() ?? Promise.resolve([])
    const nodeOf = createNodeByNames({ listNodes, clock: new FakeClock() })
    await expect(nodeOf(['node-1'])).rejects.toThrow('away')
    expect(await nodeOf(['node-1'])).toBe('node-1')
  })
})
