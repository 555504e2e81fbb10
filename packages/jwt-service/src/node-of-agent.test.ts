import type { Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import { describe, expect, test } from 'vitest'
import { createNodeOfAgent } from './node-of-agent.ts'

const UID = '6f2c6a6e-0a3c-4b38-9a0a-3a7c1d1e2f01'
const OTHER = '00000000-0a3c-4b38-9a0a-3a7c1d1e2f01'
const SUFFIX = 'svc.cluster.local'
const SERVICE = `athenz-identity-agent.k8s-admin.${SUFFIX}`
const instance = (uid: string, suffix = SUFFIX) => `${uid}.instanceid.athenz.${suffix}`

function open(identityCn = 'k8s.admin.athenz-identity-agent') {
  const asked: { agents: unknown[]; names: (readonly string[])[] } = { agents: [], names: [] }
  const agent: Pod = aPod({ uid: UID, node: 'node-1' })
  const nodeOf = createNodeOfAgent({
    identityCn,
    names: () => someNameRules(),
    findAgent: async (wanted) => {
      asked.agents.push(wanted)
      return wanted.uid === UID ? agent : undefined
    },
    nodeByNames: async (names) => {
      asked.names.push(names)
      const [node] = names.filter((name) => name.startsWith('node-'))
      if (node === undefined) throw Object.assign(new Error('none'), { code: 'NODE_UNKNOWN' })
      return node
    },
  })
  return { nodeOf, asked }
}

describe('the node of an agent', () => {
  test('is that of the agent pod whose UID its certificate carries; nodes are not listed', async () => {
    const { nodeOf, asked } = open()
    expect(await nodeOf([SERVICE, instance(UID)])).toBe('node-1')
    expect(asked).toEqual({ agents: [{ uid: UID, namespace: 'k8s-admin', serviceAccount: 'athenz-identity-agent' }], names: [] })
  })

  test('is looked for in the namespace and of the account that the common name stands for', async () => {
    const { nodeOf, asked } = open('media.on-air.agent')
    await nodeOf([instance(UID)])
    expect(asked.agents).toEqual([{ uid: UID, namespace: 'media-on--air', serviceAccount: 'agent' }])
  })

  test('is that which a provisioned certificate names; the name of its service is that of no node', async () => {
    const { nodeOf, asked } = open()
    expect(await nodeOf([SERVICE, 'node-2'])).toBe('node-2')
    expect(asked).toEqual({ agents: [], names: [['node-2']] })
  })

  test('is that which both say, where both say something', async () => {
    expect(await open().nodeOf([SERVICE, instance(UID), 'node-1'])).toBe('node-1')
  })

  test.each<[string, readonly string[]]>([
    ['both disagree', [instance(UID), 'node-2']],
    ['there is a further name that is no node', [instance(UID), 'web.shop.svc.cluster.local']],
    ['there is no such agent', [SERVICE, instance(OTHER)]],
    ['there are two instance names', [instance(UID), instance(OTHER)]],
    ['there are two instance names, one of them of no agent', [instance(OTHER), instance(UID)]],
    ['the same instance name is there twice', [instance(UID), instance(UID)]],
    ['the instance id is in upper case', [instance(UID.toUpperCase())]],
    ['the name is in upper case', [instance(UID).toUpperCase()]],
    ['the suffix is another one', [instance(UID, 'svc.cluster.evil')]],
    ['the suffix goes on', [`${instance(UID)}.evil`]],
    ['the suffix is missing', [`${UID}.instanceid.athenz`]],
    ['something stands before the UID', [`x.${instance(UID)}`]],
    ['it ends in a dot', [`${instance(UID)}.`]],
    ['it is a wildcard', [instance('*')]],
    ['it has no instance id', [`instanceid.athenz.${SUFFIX}`]],
    ['the instance id is no pod UID', [instance('node-1')]],
    ['a forged instance name stands beside the name of a node', [instance(UID, 'svc.cluster.evil'), 'node-1']],
    ['no namespace stands for its domain', [instance(UID)]],
  ])('is unknown when %s (T23)', async (name, dnsNames) => {
    const { nodeOf } = open(name.startsWith('no namespace') ? 'k8s.admin.shop.agent' : undefined)
    await expect(nodeOf(dnsNames)).rejects.toMatchObject({ code: 'NODE_UNKNOWN' })
  })
})
