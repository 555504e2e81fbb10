/**
 * What the API server says of a token may be some seconds old (it remembers its answers for ten): the pod is asked for as well,
 * and must be just what the token is bound to.
 */
import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import type { TokenVerdict } from '@pallas/kubernetes'
import { describe, expect, test } from 'vitest'
import { segment } from './testing/documents.ts'
import { ask, aRequest, aWorld, NOW, PROVIDER, type World } from './testing/verdicts.ts'

const ACCOUNT = 'athenz-identity-agent'
const agent = aPod({ namespace: 'k8s-admin', name: 'agent-x', serviceAccount: ACCOUNT, ip: '10.1.9.1' })
const verdictOf = ({ name, uid, node }: Pod): TokenVerdict => ({
  authenticated: true,
  username: `system:serviceaccount:k8s-admin:${ACCOUNT}`,
  groups: [],
  audiences: [PROVIDER],
  pod: { name, uid },
  node,
})

/** The API server has just said yes to the token of `agent`; these are the pods that there are. */
const worldWith = (pods: Pod[], other: Partial<World> = {}): World =>
  aWorld({ pods, other: { accounts: [ACCOUNT], review: async () => verdictOf(agent) }, ...other })

const claims = {
  aud: [PROVIDER],
  sub: `system:serviceaccount:k8s-admin:${ACCOUNT}`,
  exp: NOW / 1_000 + 600,
  'kubernetes.io': { pod: { name: agent.name, uid: agent.uid }, node: { name: agent.node } },
}
const token = `${segment({ alg: 'RS256', kid: 'key' })}.${segment(claims)}.${segment('signature')}`

const request = aRequest({
  domain: 'k8s.admin',
  service: ACCOUNT,
  attestationData: token,
  attributes: {
    ...aRequest().attributes,
    instanceId: agent.uid,
    sanDns: [`${ACCOUNT}.k8s-admin.svc.cluster.local`, `${agent.uid}.instanceid.athenz.svc.cluster.local`],
    sanIp: [agent.ip],
    sanUri: [`spiffe://k8s.admin/sa/${ACCOUNT}`],
  },
})

describe('the token of an agent', () => {
  test('counts as long as its pod is there, is used as often as needed, and leaves a record', async () => {
    const world = worldWith([agent])
    for (let n = 0; n < 3; n++) expect(await ask(world, request)).toMatchObject({ code: 'OK', facts: { pod: 'k8s-admin/agent-x', podUid: agent.uid, node: 'node-1' } })
    expect(world.used.size).toBe(0)
    expect(world.recorded[0]).toMatchObject({ domain: 'k8s.admin', service: ACCOUNT, instanceId: agent.uid })
  })

  test.each<[string, string, Pod[]]>([
    ['is gone', 'POD_UNKNOWN', []],
    ['was made anew under its name', 'UID_MISMATCH', [{ ...agent, uid: '00000000-0000-4000-8000-000000000000' }]],
    ['is on another node', 'NODE_MISMATCH', [{ ...agent, node: 'node-2' }]],
    ['has another account of that service', 'SERVICE_MISMATCH', [{ ...agent, serviceAccount: 'athenz-other' }]],
    ['has ended', 'POD_ENDED', [{ ...agent, phase: 'Failed' }]],
    ['is terminating, and has no identity yet', 'POD_TERMINATING', [{ ...agent, deleting: true }]],
  ])('does not count when its pod %s, whatever the review said', async (_name, code, pods) => {
    expect(await ask(worldWith(pods), request)).toMatchObject({ code })
  })

  test('counts for a pod that is terminating when it renews', async () => {
    const world = worldWith([agent])
    await ask(world, request)
    world.pods.splice(0, 1, { ...agent, deleting: true })
    expect(await ask(world, request)).toMatchObject({ code: 'OK' })
  })

  test('does not count for the account of another pod that the names are of', async () => {
    const other = { ...agent, serviceAccount: 'athenz-other' }
    const names = { ...request, service: 'athenz-other', attributes: { ...request.attributes, sanDns: request.attributes.sanDns.map((name) => name.replace(ACCOUNT, 'athenz-other')), sanUri: ['spiffe://k8s.admin/sa/athenz-other'] } }
    expect(await ask(worldWith([other]), names)).toMatchObject({ code: 'TOKEN_ACCOUNT' })
  })

  test('is not asked about twice where once will do, and not at all for another provider', async () => {
    let reviews = 0
    const review = async () => {
      reviews++
      return verdictOf(agent)
    }
    const world = worldWith([agent], { other: { accounts: [ACCOUNT], review } })
    expect(await ask(world, { ...request, provider: 'k8s.admin.other' })).toMatchObject({ code: 'PROVIDER_MISMATCH' })
    expect(reviews).toBe(0)
    await ask(world, request)
    expect(reviews).toBe(1)
  })
})
