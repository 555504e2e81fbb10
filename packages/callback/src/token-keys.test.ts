/** Keys of the API server in a cache that strangers ask: forged tokens, floods of unknown keys, rotations, and no keys at all. */
import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import { createPublicKey } from 'node:crypto'
import type { TokenKey } from '@pallas/kubernetes'
import { expect, test } from 'vitest'
import { parseCompactJws } from './compact-jws.ts'
import { createEvents } from './events.ts'
import { ecKeyPair, es256, hs256, type KeyPair, rsaKeyPair, signedWith } from './testing/documents.ts'
import { openTokenKeys } from './token-keys.ts'

const ONE = ecKeyPair()
const TWO = ecKeyPair()
const RSA = rsaKeyPair()
const keyOf = (id: string, { publicPem }: KeyPair, algorithm: TokenKey['algorithm'] = 'ES256'): TokenKey => ({ id, algorithm, key: createPublicKey(publicPem) })
const jwsOf = (text: string) => parseCompactJws(text) ?? expect.unreachable()
const signed = (id: string, { privateKey }: KeyPair) => jwsOf(es256(privateKey, { sub: 'a' }, { alg: 'ES256', kid: id }))

function open(answer: () => readonly TokenKey[] | Promise<readonly TokenKey[]>) {
  const clock = new FakeClock()
  const log = memoryLog()
  const metrics = testMetrics()
  const events = createEvents({ log: log.log, metrics, clock })
  const it = { reads: 0 }
  const read = async () => {
    it.reads++
    return answer()
  }
  const keys = openTokenKeys({ read, clock, events })
  const ask = (jws: ReturnType<typeof jwsOf>) => keys.signatureOf(jws).catch((error: { code: string }) => error.code)
  return { clock, log, metrics, it, ask, [Symbol.asyncDispose]: () => keys[Symbol.asyncDispose]() }
}

test('the key that is named decides, with its own algorithm', async () => {
  await using world = open(() => [keyOf('one', ONE), keyOf('rsa', RSA, 'RS256')])
  expect(await world.ask(signed('one', ONE))).toBe('good')
  expect(await world.ask(jwsOf(signedWith('sha256', RSA.privateKey, {}, { alg: 'RS256', kid: 'rsa' })))).toBe('good')
  expect(await world.ask(signed('one', TWO))).toBe('forged')
  expect(await world.ask(signed('rsa', ONE))).toBe('forged')
  expect(await world.ask(jwsOf(signedWith('sha512', RSA.privateKey, {}, { alg: 'RS512', kid: 'rsa' })))).toBe('forged')
  expect(await world.ask(jwsOf(hs256(ONE.publicPem, {}, { alg: 'HS256', kid: 'one' })))).toBe('forged')
  expect(await world.ask(jwsOf(hs256(ONE.publicPem, {}, { alg: 'ES256', kid: 'one' })))).toBe('forged')
  expect(world.it.reads).toBe(1)
})

test('a flood of unknown keys makes one reading in ten seconds, and a key that is known is judged all the while', async () => {
  await using world = open(() => [keyOf('one', ONE)])
  const seen = new Set<string>()
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 20; n++) seen.add(await world.ask(signed(`unknown-${second}-${n}`, TWO)))
    expect(await world.ask(signed('one', ONE))).toBe('good')
    await world.clock.advance(1_000)
  }
  expect(world.it.reads).toBe(6)
  expect(seen).toEqual(new Set(['forged', 'BUSY']))
})

test('many at a time share one reading', async () => {
  const gate = Promise.withResolvers<readonly TokenKey[]>()
  await using world = open(() => gate.promise)
  const asked = Array.from({ length: 100 }, () => world.ask(signed('one', ONE)))
  gate.resolve([keyOf('one', ONE)])
  const answers = await Promise.all(asked)
  expect(world.it.reads).toBe(1)
  expect(answers.filter((answer) => answer === 'good')).toHaveLength(64)
  expect(answers.filter((answer) => answer === 'BUSY')).toHaveLength(36)
})

test('after a rotation the new key is learned when it is shown, and one that was dropped is forgotten', async () => {
  let published = [keyOf('one', ONE)]
  await using world = open(() => published)
  expect(await world.ask(signed('one', ONE))).toBe('good')
  published = [keyOf('two', TWO)]
  await world.clock.advance(10_000)
  expect(await world.ask(signed('two', TWO))).toBe('good')
  await world.clock.advance(10_000)
  expect(await world.ask(signed('one', ONE))).toBe('forged')
})

test('while they cannot be had nobody waits and nobody is called a forger; it is told once, and when they are back', async () => {
  let away = true
  await using world = open(() => (away ? Promise.reject(new Error('forbidden')) : [keyOf('one', ONE)]))
  for (let n = 0; n < 5; n++) {
    expect(await world.ask(signed('one', ONE))).toBe('unknown')
    await world.clock.advance(10_000)
  }
  expect(world.it.reads).toBeGreaterThan(1)
  expect(world.log.text().split('keys of tokens cannot be read')).toHaveLength(2)
  expect(await world.metrics.value('token_keys_unreadable')).toBe(1)
  away = false
  await world.clock.advance(10_000)
  await world.ask(signed('one', ONE))
  await world.clock.advance(0)
  expect(await world.ask(signed('one', ONE))).toBe('good')
  expect(await world.metrics.value('token_keys_unreadable')).toBe(0)
  expect(await world.metrics.value('token_keys')).toBe(1)
})

test('keys that were had are used on while the others cannot be', async () => {
  let away = false
  await using world = open(() => (away ? Promise.reject(new Error('away')) : [keyOf('one', ONE)]))
  expect(await world.ask(signed('one', ONE))).toBe('good')
  away = true
  await world.clock.advance(60 * 60_000)
  expect(await world.ask(signed('one', ONE))).toBe('good')
  expect(await world.ask(signed('one', TWO))).toBe('forged')
  expect(await world.ask(signed('two', TWO))).toBe('unknown')
})
