/** How the answers of a provider's callback reach the client. */
import { expect, test } from 'vitest'
import { registration, type ZtsUnderTest } from './contract-world.ts'
import { yes } from './test-callback.ts'

const body = JSON.stringify({ code: 'SAN_IP_MISMATCH', message: 'm', retryAfter: 7 })

export function describeProviderAnswers(open: () => Promise<ZtsUnderTest>): void {
  test.each([
    ['denied', 403, 'ZTS_REFUSED', 403],
    ['not now, by the one status that passes as that', 504, 'ZTS_BUSY', 504],
    ['not now, by a status that does not', 503, 'ZTS_REFUSED', 403],
    ['too many', 429, 'ZTS_REFUSED', 403],
    ['broken', 500, 'ZTS_REFUSED', 403],
    ['yes, but created', 201, 'ZTS_REFUSED', 403],
  ])('a callback that says "%s" (%d) is passed on with its reason (W27)', async (_name, said, code, status) => {
    await using it = await open()
    it.callback.say(() => ({ status: said, body }))
    const refused = it.zts.register(await registration(it))
    const retryAfterMs = code === 'ZTS_BUSY' ? 7_000 : undefined
    await expect(refused).rejects.toMatchObject({ code, status, retryAfterMs, reason: 'SAN_IP_MISMATCH' })
  })

  test('a callback that hangs up is worth a retry', async () => {
    await using it = await open()
    it.callback.say(() => 'close')
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject({ code: 'ZTS_BUSY', status: 504 })
  })

  test.each([
    ['an extra key', { status: 200, body: '{"provider":"p","verdict":"yes"}' }, 'ZTS_REFUSED'],
    ['no json', { status: 200, body: 'yes' }, 'ZTS_REFUSED'],
    ['a nested attribute', yes({ a: {} }), 'ZTS_REFUSED'],
    ['a yes in plain text', { status: 200, body: '{}', contentType: 'text/plain' }, 'ZTS_REFUSED'],
    ['an empty yes', { status: 200 }, 'ZTS_BAD_ANSWER'],
  ])('a callback that answers with %s has not said yes', async (_name, reply, code) => {
    await using it = await open()
    it.callback.say(() => reply)
    await expect(it.zts.register(await registration(it))).rejects.toMatchObject({ code })
  })

  test.each([
    ['an empty object', { status: 200, body: '{}' }],
    ['null attributes', { status: 200, body: '{"attributes":null}' }],
    ['numbers as attributes', yes({ certExpiryTime: 30, certUsage: true })],
    ['a charset', { status: 200, body: '{}', contentType: 'application/json;charset=utf-8' }],
  ])('a callback that answers with %s has said yes', async (_name, reply) => {
    await using it = await open()
    it.callback.say(() => reply)
    expect((await it.zts.register(await registration(it))).instanceId).toBe('pod-1')
  })
}
