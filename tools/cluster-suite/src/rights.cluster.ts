/**
 * Every right of `deploy/base/rbac.yaml`, taken away alone on a real API server: what the table of rights says of it no longer
 * comes about, and does again when it is back. And what nobody of the suite may do.
 */
import { SERVICE_ACCOUNTS, pathOf } from '@pallas/kubernetes'
import { launch, request } from '@pallas/suite'
import { type Right, RIGHTS } from '@pallas/trial'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentTrials } from './rights/agent-trials.ts'
import { callbackTrials, forgotten } from './rights/callback-trials.ts'
import { DANGEROUS } from './rights/dangerous.ts'
import { initializerTrials } from './rights/initializer-trials.ts'
import { jwtServiceTrials } from './rights/jwt-service-trials.ts'
import { type Account, may } from './rights/may.ts'
import { takeAway } from './rights/take-away.ts'
import { keyOf, type Scene, type Trials } from './rights/trial.ts'
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
/** What does not disturb each other is tried at the same time; within a lane one after the other. */
const LANES: readonly (readonly Right['account'][])[] = [['athenz-identity-agent', 'athenz-callback'], ['athenz-jwt-service'], ['athenz-initializer']]

let scene: Scene
const outcomes = new Map<Right, Promise<void>>()

beforeAll(async () => {
  const it = await openWorld()
  const web = await launch(it, request(it, 'web-0'))
  scene = { it, web, material: await suiteMaterial(it.cluster), owed: [] }
  for (const lane of LANES) tryInTurn(RIGHTS.filter(({ account }) => lane.includes(account)))
})
afterAll(async () => {
  await Promise.allSettled(outcomes.values())
  for (const program of ['identity-agent', 'jwt-service', 'callback', 'initializer'] as const) await untilReady(program)
  await scene.it[Symbol.asyncDispose]()
})

function tryInTurn(rights: readonly Right[]): void {
  let before: Promise<void> = Promise.resolve()
  for (const right of rights) {
    const outcome = before.then(() => tryWithout(right))
    outcomes.set(right, outcome)
    before = outcome.catch(() => undefined)
  }
}

async function tryWithout(right: Right): Promise<void> {
  const trial = TRIALS[right.account][keyOf(right)]
  if (trial === undefined) throw new Error(`nothing shows what ends without ${keyOf(right)}`)
  await using taken = await takeAway(scene.it.api, right)
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
