/** Agents with certificates of their own pods, over real sockets, against an API server. */
import { Agent } from 'node:https'
import { eventually } from '@pallas/kubernetes/testing'
import { describe, expect, test } from 'vitest'
import { agentDns, askAs, bodyFor, call, makeAgentPod, type Opened, openService } from './testing/world.ts'

const refusalOf = (it: Opened, dns: readonly string[], pod: 1 | 2 = 1) =>
  eventually(async () => {
    const { status, code } = await askAs(it, bodyFor(it, pod), dns)
    return status === 200 ? undefined : { status, code }
  })

describe('an agent with the certificate of its own pod', () => {
  test('gets documents for the pods of its node, and for no others; nodes are not listed', async () => {
    await using it = await openService()
    const agent = await makeAgentPod(it)
    expect(await askAs(it, bodyFor(it), agent.dns)).toMatchObject({ status: 200 })
    expect(await askAs(it, bodyFor(it, 2), agent.dns)).toMatchObject({ status: 403, code: 'POD_ON_OTHER_NODE' })
    expect(it.calls.filter((made) => made.includes('/nodes'))).toEqual([])
    expect(it.log.records).toContainEqual(expect.objectContaining({ msg: 'document signed', node: 'node-1' }))
  })

  test('is served beside one whose certificate was provisioned', async () => {
    await using it = await openService()
    const agent = await makeAgentPod(it, { node: 'node-2' })
    expect(await askAs(it, bodyFor(it, 2), agent.dns)).toMatchObject({ status: 200 })
    expect(await askAs(it, bodyFor(it), ['node-1'])).toMatchObject({ status: 200 })
    expect(await askAs(it, bodyFor(it, 2), [...agent.dns, 'node-2'])).toMatchObject({ status: 200 })
    expect(await askAs(it, bodyFor(it), [...agent.dns, 'node-1'])).toMatchObject({ status: 403, code: 'NODE_UNKNOWN' })
  })

  test('is served where there is no watch', async () => {
    await using it = await openService({ verbs: ['get', 'list'] })
    const agent = await makeAgentPod(it)
    expect(await askAs(it, bodyFor(it), agent.dns)).toMatchObject({ status: 200 })
  })

  test('goes on while its pod is terminating, and ends with it, on an open connection too (T23)', async () => {
    await using it = await openService()
    const pod = await makeAgentPod(it)
    const pair = await it.agent(pod.dns)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () => call(it, '/v1/jwt', bodyFor(it), { pair, agent })
    try {
      expect(await ask()).toMatchObject({ status: 200 })
      await pod.remove(60)
      expect(await ask()).toMatchObject({ status: 200 })
      await pod.remove()
      const answer = await eventually(async () => {
        const { status, code } = await ask()
        return status === 200 ? undefined : { status, code }
      })
      expect(answer).toEqual({ status: 403, code: 'NODE_UNKNOWN' })
    } finally {
      agent.destroy()
    }
  })

  test('is none when its pod was made anew under the same name (T23)', async () => {
    await using it = await openService()
    const first = await makeAgentPod(it)
    await first.remove()
    const second = await makeAgentPod(it)
    expect(await refusalOf(it, first.dns)).toEqual({ status: 403, code: 'NODE_UNKNOWN' })
    expect(await askAs(it, bodyFor(it), second.dns)).toMatchObject({ status: 200 })
  })

  test('is none when its pod has ended (T23)', async () => {
    await using it = await openService()
    const pod = await makeAgentPod(it)
    await pod.become('Failed')
    expect(await refusalOf(it, pod.dns)).toEqual({ status: 403, code: 'NODE_UNKNOWN' })
  })
})

describe('nobody is an agent by the certificate', () => {
  test('of a workload, whatever its instance (T23)', async () => {
    await using it = await openService()
    const dns = ['web.media-on-air.svc.cluster.local', `${it.pods[0]?.uid}.instanceid.athenz.svc.cluster.local`]
    expect(await askAs(it, bodyFor(it), dns, 'media.on-air.web')).toMatchObject({ status: 403, code: 'CALLER_NOT_ALLOWED' })
    expect(await askAs(it, bodyFor(it), dns)).toMatchObject({ status: 403, code: 'NODE_UNKNOWN' })
    expect(await askAs(it, bodyFor(it), agentDns(it.pods[0]?.uid ?? ''))).toMatchObject({ status: 403, code: 'NODE_UNKNOWN' })
  })

  test.each([
    ['of another account in the namespace of agents', { account: 'athenz-other' }],
    ['of the account of agents in another namespace', { namespace: 'media-on--air' }],
  ])('%s (T23)', async (_name, options) => {
    await using it = await openService()
    const pod = await makeAgentPod(it, options)
    expect(await askAs(it, bodyFor(it), pod.dns)).toMatchObject({ status: 403, code: 'NODE_UNKNOWN' })
  })

  test('while nobody can say: not now', async () => {
    await using it = await openService({ verbs: ['get'] })
    const pod = await makeAgentPod(it)
    expect(await askAs(it, bodyFor(it), pod.dns)).toMatchObject({ status: 503, code: 'API_UNAVAILABLE' })
  })

  test('of an agent on the list of the revoked, by its node (T23)', async () => {
    await using it = await openService({ revoked: 'node-1\n' })
    const pod = await makeAgentPod(it)
    expect(await askAs(it, bodyFor(it), pod.dns)).toMatchObject({ status: 403, code: 'AGENT_REVOKED' })
  })
})
