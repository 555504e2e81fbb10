/** Signing keys are replaced while the real JWT service signs, the real callback verifies, and ZTS asks without a pause. */
import { describe, expect, test } from 'vitest'
import { ecKeyPair, KEY_ID, KEY_NAME, rsaKeyPair } from './testing/documents.ts'
import { askForDocument, type JwtServiceProcess, startJwtService } from './testing/jwt-service.ts'
import { openWorld, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'
import { type Answer, ask, confirmationOf } from './testing/zts-like.ts'

const V2 = `${KEY_NAME}.v2`

/** A document from the one, shown to the other. */
async function signAndConfirm(world: World, { signer, callback }: Services): Promise<Answer> {
  const { status, text } = await askForDocument(signer, world)
  if (status !== 200) throw new Error(`no document: ${text}`)
  const { jwt } = JSON.parse(text) as { jwt: string }
  const pair = await world.athenz.issue({ commonName: ZTS_NAME })
  return ask('/instance', confirmationOf(world.pod, jwt), { url: callback.url, ca: world.services.certPem, pair })
}

interface Services {
  readonly signer: JwtServiceProcess
  readonly callback: RunningCallback
}

async function open() {
  await using scope = new AsyncDisposableStack()
  const world = scope.use(await openWorld())
  const callback = await world.start()
  const signer = scope.use(await startJwtService(world, KEY_ID, world.signing))
  const parts = scope.move()
  const known = () => callback.metrics.value('public_keys')
  return { world, services: { signer, callback }, known, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const patience = { timeout: 20_000, interval: 50 }

describe('a signing key is replaced without restart', () => {
  test('in the safe order no document is refused, and the key changes its kind on the way (T32, C6)', async () => {
    await using it = await open()
    const { signer } = it.services
    const stop = new AbortController()
    const statuses: number[] = []
    const asking = Promise.all(Array.from({ length: 3 }, async () => {
      while (!stop.signal.aborted) statuses.push((await signAndConfirm(it.world, it.services)).status)
    }))
    const someMore = () => expect.poll(() => statuses.length, patience).toBeGreaterThan(statuses.length + 6)
    const next = rsaKeyPair()

    await someMore()
    await it.world.publish(V2, next.publicPem)
    await expect.poll(it.known, patience).toBe(2)
    await signer.putKey(V2, next)
    await expect.poll(() => signer.signedWith.at(-1), patience).toBe(V2)
    await someMore()
    await signer.putKey(KEY_ID)
    await someMore()
    await it.world.publish(KEY_ID)
    await expect.poll(it.known, patience).toBe(1)
    await someMore()
    stop.abort()
    await asking
    expect(new Set(statuses)).toEqual(new Set([200]))
  }, 90_000)

  test('a private key before its public one is told by name, and mended by publishing it (T32)', async () => {
    await using it = await open()
    const { signer, callback } = it.services
    const next = ecKeyPair()
    await signer.putKey(V2, next)
    await expect.poll(() => signer.signedWith.at(-1), patience).toBe(V2)
    const answer = await signAndConfirm(it.world, it.services)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([403, expect.objectContaining({ code: 'DOCUMENT_KEY_UNKNOWN' })])
    expect(await callback.metrics.value('confirmations_total', { code: 'DOCUMENT_KEY_UNKNOWN' })).toBe(1)
    expect(callback.log.records).toContainEqual(
      expect.objectContaining({ level: 'warn', reason: 'DOCUMENT_KEY_UNKNOWN', facts: { keyId: V2 } }),
    )
    await it.world.publish(V2, next.publicPem)
    await expect.poll(it.known, patience).toBe(2)
    expect((await signAndConfirm(it.world, it.services)).status).toBe(200)
  }, 60_000)
})
