/**
 * Every right of `deploy/base/rbac.yaml`, taken away alone on a real API server: what the table of rights says of it no longer
 * comes about, and does again when it is back. And what nobody of the suite may do.
 */
import { SERVICE_ACCOUNTS, pathOf } from '@pallas/kubernetes'
import { launch, request } from '@pallas/suite'
import { type Right, RIGHTS } from '@pallas/trial'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentTrials } from './rights/agent-trials.ts'
import { callbackTrials, forgotten, TO_END } from './rights/callback-trials.ts'
import { DANGEROUS } from './rights/dangerous.ts'
import { initializerTrials } from './rights/initializer-trials.ts'
import { jwtServiceTrials } from './rights/jwt-service-trials.ts'
import { type Account, may } from './rights/may.ts'
import { openRights, type TakeAway } from './rights/take-away.ts'
import { keyOf, launched, type Scene, type Trials } from './rights/trial.ts'
import { suiteMaterial } from './world/material.ts'
import { ADMIN_NAMESPACE, LEASES_NAMESPACE } from './world/names.ts'
import { openWorld } from './world/open-world.ts'
import { untilReady } from './world/replicas.ts'

const TRIALS: Readonly<Record<Right['account'], Trials>> = {
  'athenz-identity-agent': agentTrials,
  'athenz-jwt-service': jwtServiceTrials,
  'athenz-callback': callbackTrials,
  'athenz-initializer': initializerTrials,
}
/** One after the other. */
type Lane = readonly `${Right['account']} ${string}`[]

/**
 * Lanes beside each other do not disturb each other, and what is shown in one cannot come of what is away in another. The callback
 * looks after an instance that has ended only some twenty seconds later: what needs no end of a pod is tried meanwhile.
 */
const BESIDE: readonly Lane[] = [
  ['athenz-jwt-service get pods', 'athenz-jwt-service list pods', 'athenz-jwt-service watch pods'],
  ['athenz-initializer get configmaps', 'athenz-initializer get mutatingwebhookconfigurations', 'athenz-initializer patch mutatingwebhookconfigurations'],
]
/** Most of these replace the callbacks. After them is launched what the others end: without some of their rights no pod gets an identity. */
const FIRST: Lane = ['athenz-callback list pods', 'athenz-callback watch pods', 'athenz-callback list leases', 'athenz-callback get pods']
const THEN: readonly Lane[] = [
  ['athenz-callback get leases'],
  ['athenz-callback delete leases'],
  ['athenz-identity-agent create events', 'athenz-callback create leases', 'athenz-identity-agent get nodes/pods', 'athenz-callback create tokenreviews'],
]

let scene: Scene
let takeAway: TakeAway
const outcomes = new Map<Right, Promise<void>>()

beforeAll(async () => {
  const it = await openWorld()
  const web = await launch(it, request(it, 'web-0'))
  scene = { it, web, material: await suiteMaterial(it.cluster), toEnd: [], owed: [] }
  takeAway = await openRights(it.api)
  for (const lane of BESIDE) void tryInTurn(lane)
  const launches = tryInTurn(FIRST).then(async () => void scene.toEnd.push(...(await Promise.all(TO_END.map((name) => launched(scene, name))))))
  for (const lane of THEN) void tryInTurn(lane, launches)
})
afterAll(async () => {
  await Promise.allSettled(outcomes.values())
  for (const program of ['identity-agent', 'jwt-service', 'callback', 'initializer'] as const) await untilReady(program)
  await scene.it[Symbol.asyncDispose]()
})

/** Resolves when all of it is over, however it went. */
function tryInTurn(lane: Lane, after: Promise<void> = Promise.resolve()): Promise<void> {
  let before = after
  for (const name of lane) {
    const right = RIGHTS.find((it) => `${it.account} ${keyOf(it)}` === name)
    if (right === undefined) throw new Error(`nobody has the right ${name}`)
    const outcome = before.then(() => tryWithout(right))
    outcomes.set(right, outcome)
    before = outcome.catch(() => undefined)
  }
  return before
}

async function tryWithout(right: Right): Promise<void> {
  const trial = TRIALS[right.account][keyOf(right)]
  if (trial === undefined) throw new Error(`nothing shows what ends without ${keyOf(right)}`)
  await using taken = await takeAway(right)
  const worksAgain = await trial(scene)
  await taken.giveBack()
  await worksAgain()
}

/** Those of the suite's namespaces, `default` among them. */
async function accounts(): Promise<Account[]> {
  const lists = await Promise.all([ADMIN_NAMESPACE, LEASES_NAMESPACE].map((namespace) => scene.it.api.list(pathOf(SERVICE_ACCOUNTS, { namespace }))))
  return lists.flatMap(({ items }) => items.map(({ metadata }) => ({ namespace: String(metadata['namespace']), name: String(metadata['name']) })))
}

describe('a right that is taken away', () => {
  test.each(RIGHTS)('$account without `$verb $resource`: $why; given back, it goes on', async (right) => {
    expect(outcomes.has(right)).toBe(true)
    await outcomes.get(right)
  })

  test('what ended while its end could not be seen is forgotten by ZTS since then', async () => {
    await Promise.allSettled(outcomes.values())
    expect(scene.owed.map(({ metadata }) => metadata.name)).toEqual(['unlisted-0', 'unwatched-0'])
    for (const pod of scene.owed) await forgotten(scene, pod)
  })
})

describe('an account of the suite', () => {
  const places = [undefined, ADMIN_NAMESPACE, LEASES_NAMESPACE, 'kube-system', 'shop']

  test('may do none of what leads to another identity or to a node, in any namespace', async () => {
    const all = await accounts()
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(TRIALS)))
    const allowed: string[] = []
    for (const deed of DANGEROUS) {
      const questions = all.flatMap((account) => places.map((namespace) => ({ account, deed: namespace === undefined ? deed : { ...deed, namespace } })))
      const verdicts = await Promise.all(questions.map((it) => may(scene.it.api, it.account, it.deed)))
      allowed.push(...questions.filter((_, index) => verdicts[index]).map(({ account, deed: { verb, resource, namespace = 'all' } }) => `${account.name}: ${verb} ${resource} in ${namespace}`))
    }
    expect(allowed).toEqual([])
  })

  test('may do what the table says, so that a no above means something', async () => {
    const agent = { namespace: ADMIN_NAMESPACE, name: 'athenz-identity-agent' }
    expect(await may(scene.it.api, agent, { verb: 'get', resource: 'nodes/pods' })).toBe(true)
    const callback = { namespace: ADMIN_NAMESPACE, name: 'athenz-callback' }
    const leases = { verb: 'delete', group: 'coordination.k8s.io', resource: 'leases' }
    expect(await may(scene.it.api, callback, { ...leases, namespace: LEASES_NAMESPACE })).toBe(true)
    expect(await may(scene.it.api, callback, { ...leases, namespace: 'kube-system' })).toBe(false)
    expect(await may(scene.it.api, callback, leases)).toBe(false)
  })
})
