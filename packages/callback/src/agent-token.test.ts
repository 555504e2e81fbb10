/** An agent's own identity: its service account token as attestation data, judged by a real TokenReview. */
import { loopbackCredentials, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { agentConfirmation, makeAgent, removeAgent, tokenOf, type TokenWish } from './testing/agents.ts'
import { ecKeyPair, segment, signedWith } from './testing/documents.ts'
import { AGENT_ACCOUNT, openWorld, PROVIDER, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { ask, confirmationOf } from './testing/zts-like.ts'

let world: World
let callback: RunningCallback
let agent: Awaited<ReturnType<typeof makeAgent>>
let zts: Parameters<typeof ask>[2]

beforeAll(async () => {
  world = await openWorld()
  callback = await world.start()
  zts = { url: callback.url, ca: world.services.certPem, pair: await world.athenz.issue({ commonName: ZTS_NAME }) }
})
afterAll(() => world[Symbol.asyncDispose]())

let made = 0
/** One for each test: how often the tokens of a pod are shown to the API server is bounded. */
beforeEach(async () => {
  agent = await makeAgent(world, `agent-${made++}`)
})

async function answerTo(body: object, path = '/instance') {
  const { status, text } = await ask(path, body, zts)
  const { code = 'OK' } = JSON.parse(text) as { code?: string }
  return { status, code }
}

const withToken = async (token: string, attributes?: Record<string, string>) => answerTo(agentConfirmation(agent, token, attributes))
const reviews = () => world.calls.filter((call) => call.includes('tokenreviews')).length
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

const forgedFor = (token: string, header: object, other: object = {}) =>
  signedWith('sha256', ecKeyPair().privateKey, { ...claimsOf(token), ...other }, { alg: 'ES256', ...header })
const kidOf = (token: string) => (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

describe('an agent gets its identity with the token of its pod', () => {
  test('at once, again with the same token, and as a refresh; every time the API server is asked anew', async () => {
    const token = await tokenOf(world, agent)
    const before = reviews()
    expect(await withToken(token)).toEqual({ status: 200, code: 'OK' })
    expect(await withToken(token)).toEqual({ status: 200, code: 'OK' })
    expect(await answerTo(agentConfirmation(agent, token), '/refresh')).toEqual({ status: 200, code: 'OK' })
    expect(reviews() - before).toBe(3)
    expect(await callback.metrics.value('token_reviews_total', { outcome: 'authenticated' })).toBeGreaterThanOrEqual(3)
  })

  test('whatever else the token is good for', async () => {
    expect(await withToken(await tokenOf(world, agent, { audiences: ['other', PROVIDER] }))).toMatchObject({ code: 'OK' })
  })

  test('and is recorded, so that its instance ends with its pod', async () => {
    await withToken(await tokenOf(world, agent))
    expect(world.calls.filter((call) => call === 'POST /apis/coordination.k8s.io/v1/namespaces/k8s-admin/leases').length).toBeGreaterThan(0)
  })

  test('and nothing of the token is told', async () => {
    const token = await tokenOf(world, agent)
    await withToken(token)
    await withToken(`${token.slice(0, -8)}AAAAAAAA`)
    const [, payload = '', signature = ''] = token.split('.')
    for (const part of [payload, signature]) expect(callback.log.text()).not.toContain(part.slice(0, 40))
  })
})

describe('forged tokens take nothing from a real agent', () => {
  test('600 with the name of the real key and of this agent: the real one is answered, and the API server is asked for it alone', async () => {
    const token = await tokenOf(world, agent)
    const forged = forgedFor(token, { kid: kidOf(token) })
    const before = reviews()
    for (let n = 0; n < 600; n++) expect(await withToken(forged)).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
    expect(await withToken(token)).toEqual({ status: 200, code: 'OK' })
    expect(reviews() - before).toBe(1)
  })

  test('after the key at the API server has changed as well: the new one counts', async () => {
    await world.api.rotateTokenKeys('kept')
    const token = await tokenOf(world, agent)
    await vi.waitFor(async () => expect(await withToken(token)).toEqual({ status: 200, code: 'OK' }))
  })

  test('where the keys may not be read, tokens are reviewed for pods that the watch shows, which is told once', async () => {
    await using blind = await openWorld({ readsTokenKeys: false })
    const there = await makeAgent(blind, 'agent-a')
    const running = await blind.start()
    const asking = { url: running.url, ca: blind.services.certPem, pair: await blind.athenz.issue({ commonName: ZTS_NAME }) }
    const token = await tokenOf(blind, there)
    await vi.waitFor(async () => expect((await ask('/instance', agentConfirmation(there, token), asking)).status).toBe(200))
    const asked = () => blind.calls.filter((call) => call.includes('tokenreviews')).length
    const before = asked()
    const elsewhere = { ...there, uid: '6f2c6a6e-0a3c-4b38-9a0a-3a7c1d1e2f01' }
    const stranger = forgedFor(token, { kid: 'a' }, { 'kubernetes.io': { pod: { uid: elsewhere.uid }, node: { name: 'node-1' } } })
    for (let n = 0; n < 50; n++) expect((await ask('/instance', agentConfirmation(elsewhere, stranger), asking)).status).toBe(504)
    expect(asked()).toBe(before)
    expect(await running.metrics.value('token_keys_unreadable')).toBe(1)
    expect(running.log.text().split('keys of tokens cannot be read')).toHaveLength(2)
  })
})

describe('a token is refused', () => {
  test.each<[string, string, TokenWish]>([
    ['for another audience', 'TOKEN_AUDIENCE', { audiences: ['https://kubernetes.default.svc'] }],
    ['for an audience that only begins so', 'TOKEN_AUDIENCE', { audiences: [`${PROVIDER}-2`] }],
  ])('%s', async (_name, code, wish) => {
    const before = reviews()
    expect(await withToken(await tokenOf(world, agent, wish))).toEqual({ status: 403, code })
    expect(reviews()).toBe(before)
  })

  test('that is bound to no pod', async () => {
    const token = await world.api.mintToken({ namespace: 'k8s-admin', name: AGENT_ACCOUNT, audiences: [PROVIDER] })
    expect(await withToken(token)).toEqual({ status: 403, code: 'TOKEN_UNBOUND' })
  })

  test('of another account of the admin namespace, and of the account of that name elsewhere', async () => {
    const other = await makeAgent(world, 'other', { account: 'athenz-other' })
    expect(await answerTo(agentConfirmation(other, await tokenOf(world, other)))).toEqual({ status: 403, code: 'TOKEN_ACCOUNT' })
    const elsewhere = await makeAgent(world, 'elsewhere', { namespace: 'media-on--air' })
    expect(await answerTo(agentConfirmation(elsewhere, await tokenOf(world, elsewhere)))).toEqual({ status: 403, code: 'TOKEN_ACCOUNT' })
  })

  test('of a workload that asks for its own names: those need a document', async () => {
    const token = await tokenOf(world, world.pod)
    expect(await answerTo(confirmationOf(world.pod, token))).toEqual({ status: 403, code: 'TOKEN_ACCOUNT' })
  })

  test('of the agent of another node: for its names, its instance, or those of a workload', async () => {
    const victim = await makeAgent(world, 'agent-victim')
    const token = await tokenOf(world, agent)
    expect(await answerTo(agentConfirmation(victim, token))).toEqual({ status: 403, code: 'INSTANCE_ID_MISMATCH' })
    expect(await answerTo(agentConfirmation(victim, token, { instanceId: agent.uid }))).toEqual({ status: 403, code: 'SAN_DNS_MISMATCH' })
    expect(await answerTo(confirmationOf(world.pod, token, { instanceId: agent.uid }))).toEqual({ status: 403, code: 'DOMAIN_MISMATCH' })
  })

  test.each<[string, string, Record<string, string>]>([
    ['an upper-case instance id', 'INSTANCE_ID_MISMATCH', { instanceId: 'UPPER' }],
    ['a further name', 'SAN_DNS_MISMATCH', { sanDNS: 'node-1' }],
    ['the address of another pod', 'SAN_IP_MISMATCH', { sanIP: '10.1.2.3' }],
    ['another identity', 'SAN_URI_MISMATCH', { sanURI: 'spiffe://k8s.admin/sa/athenz-callback' }],
  ])('with %s', async (_name, code, attributes) => {
    expect(await withToken(await tokenOf(world, agent), attributes)).toEqual({ status: 403, code })
  })

  test('of a pod that is gone, and of an earlier pod of the same name', async () => {
    const gone = await makeAgent(world, 'agent-gone')
    const token = await tokenOf(world, gone)
    await removeAgent(world, gone)
    expect(await answerTo(agentConfirmation(gone, token))).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
    const next = await makeAgent(world, 'agent-gone')
    expect(await answerTo(agentConfirmation(gone, token))).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
    expect(await answerTo(agentConfirmation(next, token))).toEqual({ status: 403, code: 'INSTANCE_ID_MISMATCH' })
  })

  test('of a pod that has ended', async () => {
    const ended = await makeAgent(world, 'agent-ended')
    const token = await tokenOf(world, ended)
    const patch = { status: { phase: 'Failed' } }
    await world.admin.patch(`/api/v1/namespaces/k8s-admin/pods/${ended.name}/status`, { kind: 'merge', patch })
    expect(await answerTo(agentConfirmation(ended, token))).toEqual({ status: 403, code: 'POD_ENDED' })
  })

  test('that somebody else signed with the same words, or that was altered', async () => {
    const token = await tokenOf(world, agent)
    const [header = '', payload = ''] = token.split('.')
    const forged = forgedFor(token, { kid: kidOf(token) })
    expect(await withToken(forged)).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
    expect(await withToken(`${header}.${payload}.${segment('no signature')}`)).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
    const longer = segment({ ...claimsOf(token), exp: 99_999_999_999 })
    expect(await withToken(`${header}.${longer}.${token.split('.')[2]}`)).toEqual({ status: 403, code: 'TOKEN_NOT_AUTHENTIC' })
  })

  test('of another cluster, though all in it has the same names', async () => {
    await using other = await startEmbeddedApiServer({
      serverCredentials: await loopbackCredentials(),
      world: { namespaces: ['k8s-admin'], nodes: [{ name: 'node-1' }], serviceAccounts: [{ namespace: 'k8s-admin', name: AGENT_ACCOUNT }] },
    })
    const there = await makeAgent({ ...world, admin: other.client('admin') }, 'agent-a')
    const token = await tokenOf({ api: other }, there)
    // Its key is not known here: "not now" until the keys have been read once more.
    const refusal = { status: 403, code: 'TOKEN_NOT_AUTHENTIC' }
    await vi.waitFor(async () => expect(await answerTo(agentConfirmation(there, token))).toEqual(refusal))
  })

  test('with an answer of "not now" while the API server is away', async () => {
    const token = await tokenOf(world, agent)
    world.api.faults.away()
    try {
      expect(await withToken(token)).toEqual({ status: 504, code: 'API_UNAVAILABLE' })
    } finally {
      world.api.faults.clear()
    }
  })
})
