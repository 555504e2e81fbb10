import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { FakeClock } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { createFindAgent } from './find-agent.ts'

const agentPod = (other: Partial<Pod> = {}): Pod =>
  aPod({ namespace: 'k8s-admin', name: 'agent-x', serviceAccount: 'athenz-identity-agent', uid: 'u-1', node: 'node-1', ...other })
const AGENT = { uid: 'u-1', namespace: 'k8s-admin', serviceAccount: 'athenz-identity-agent' }

function open({ watched = [], live = [] }: { watched?: Pod[]; live?: Pod[] }) {
  const clock = new FakeClock()
  const state = { isCurrent: true, lists: 0, watched, live, isAway: false }
  const find = createFindAgent({
    clock,
    watch: {
      isCurrent: () => state.isCurrent,
      byUid: (uid) => (state.isCurrent ? state.watched.find((pod) => pod.uid === uid) : undefined),
    },
    listAgents: async () => {
      state.lists++
      if (state.isAway) throw new Error('away')
      return state.live
    },
  })
  return { state, clock, find: async () => (await find(AGENT))?.node }
}

describe('an agent', () => {
  test('that the watch shows is found without asking', async () => {
    const { find, state } = open({ watched: [agentPod()] })
    expect(await find()).toBe('node-1')
    expect(state.lists).toBe(0)
  })

  test('that the watch does not show yet is asked for', async () => {
    expect(await open({ live: [agentPod()] }).find()).toBe('node-1')
  })

  test('that is terminating still serves', async () => {
    expect(await open({ watched: [agentPod({ deleting: true })] }).find()).toBe('node-1')
  })

  test.each<[string, Partial<Pod>]>([
    ['in another namespace', { namespace: 'shop' }],
    ['of another account', { serviceAccount: 'athenz-other' }],
    ['of another UID', { uid: 'u-2' }],
    ['on no node', { node: '' }],
    ['that has failed', { phase: 'Failed' }],
    ['that has succeeded', { phase: 'Succeeded' }],
  ])('is no pod %s, watched or listed (T23)', async (_name, other) => {
    expect(await open({ watched: [agentPod(other)], live: [agentPod(other)] }).find()).toBeUndefined()
  })

  test('that is gone from the watch is gone, whatever a list of a moment ago said (T23)', async () => {
    const { find, state, clock } = open({ live: [agentPod()] })
    expect(await find()).toBe('node-1')
    state.live = []
    await clock.advance(1_001)
    expect(await find()).toBeUndefined()
  })

  test('is listed once a second at the most, however many certificates of nobody come', async () => {
    const { find, state } = open({})
    for (let n = 0; n < 50; n++) await find()
    expect(state.lists).toBe(1)
  })

  test('is listed once in fifteen seconds while there is no watch, and believed no longer', async () => {
    const { find, state, clock } = open({ live: [agentPod()] })
    state.isCurrent = false
    for (let n = 0; n < 50; n++) await find()
    state.live = []
    await clock.advance(14_000)
    expect([await find(), state.lists]).toEqual(['node-1', 1])
    await clock.advance(1_001)
    expect([await find(), state.lists]).toEqual([undefined, 2])
  })

  test('is not decided while nobody can say', async () => {
    const { find, state } = open({ live: [agentPod()] })
    state.isAway = true
    await expect(find()).rejects.toThrow('away')
    state.isAway = false
    expect(await find()).toBe('node-1')
  })
})
