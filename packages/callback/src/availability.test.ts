/** What ZTS is told while parts of the cluster or of the callback are away: never a no. */
import { systemClock } from '@pallas/runtime'
import { describe, expect, test } from 'vitest'
import { claimsFor, es256, KEY_ID } from './testing/documents.ts'
import { openWorld, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { type Answer, ask, confirmationOf } from './testing/zts-like.ts'

const documentOf = ({ signing, pod }: World, ip = pod.ip) =>
  es256(signing.privateKey, claimsFor(systemClock.now(), { ...pod, ip }))

async function confirm(world: World, { url }: RunningCallback, path: string, document: string, sanIP = world.pod.ip): Promise<Answer> {
  const pair = await world.athenz.issue({ commonName: ZTS_NAME })
  return ask(path, confirmationOf(world.pod, document, { sanIP }), { url, ca: world.services.certPem, pair })
}

const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code?: unknown }).code

const PATHS = ['/identity', '/instance', '/refresh']
const FAULTS: readonly (readonly [string, (world: World) => void])[] = [
  ['is away', ({ api }) => api.faults.away()],
  ['takes calls and never answers', ({ api }) => api.faults.hang()],
  ['breaks', ({ api }) => api.faults.status(500)],
  ['is overloaded', ({ api }) => api.faults.status(429, 1)],
  ['is starting', ({ api }) => api.faults.status(503)],
  ['no longer knows our token', ({ api }) => api.faults.status(401)],
  ['took our rights away', ({ api }) => api.faults.status(403)],
]

describe('while the API server', () => {
  test.each(FAULTS)('%s, every path is 504 and no document is spent (W27, T28)', async (_name, harm) => {
    await using world = await openWorld()
    const callback = await world.start()
    const documents = PATHS.map(() => documentOf(world))
    harm(world)
    const answers = await Promise.all(PATHS.map((path, index) => confirm(world, callback, path, documents[index]!)))
    for (const answer of answers) expect([answer.status, codeOf(answer)]).toEqual([504, 'API_UNAVAILABLE'])
    world.api.faults.clear()
    for (const [index, path] of PATHS.entries()) {
      expect((await confirm(world, callback, path, documents[index]!)).status).toBe(200)
    }
    expect(await callback.metrics.value('confirmations_total', { code: 'API_UNAVAILABLE' })).toBe(PATHS.length)
  })
})

test('without any public key every path is 504, and the callback is not ready (W27)', async () => {
  await using world = await openWorld()
  await world.publish(KEY_ID)
  const callback = await world.start()
  for (const path of PATHS) {
    const answer = await confirm(world, callback, path, documentOf(world))
    expect([answer.status, codeOf(answer)]).toEqual([504, 'SIGNING_KEY_UNAVAILABLE'])
  }
  expect((await fetch(`${callback.adminUrl}/readyz`)).status).toBe(503)
})

test('one document is used once at two replicas, and at two others after both were restarted (T20, W7)', async () => {
  await using world = await openWorld()
  const [one, two] = [await world.start(), await world.start()]
  const document = documentOf(world)
  expect((await confirm(world, one, '/instance', document)).status).toBe(200)
  expect(codeOf(await confirm(world, two, '/instance', document))).toBe('DOCUMENT_REPLAYED')
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
  for (const again of [await world.start(), await world.start()]) {
    for (const path of PATHS) expect(codeOf(await confirm(world, again, path, document))).toBe('DOCUMENT_REPLAYED')
  }
})

test('a verdict never rests on the watch of pods: while that is silently dead, the pod of now decides (W8, T22)', async () => {
  await using world = await openWorld()
  const callback = await world.start()
  expect((await confirm(world, callback, '/instance', documentOf(world))).status).toBe(200)
  world.api.faults.stallWatches()
  await world.patchPod({ podIP: '10.1.2.99' })
  expect(codeOf(await confirm(world, callback, '/instance', documentOf(world)))).toBe('SAN_IP_MISMATCH')
  expect((await confirm(world, callback, '/instance', documentOf(world, '10.1.2.99'), '10.1.2.99')).status).toBe(200)
  await world.deletePod()
  expect(codeOf(await confirm(world, callback, '/instance', documentOf(world)))).toBe('POD_UNKNOWN')
})
