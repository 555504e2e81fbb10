/** Requests of ZTS that do not arrive whole: nobody has said no, so nothing may look like it. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { eventually } from '@pallas/kubernetes/testing'
import { expect, test } from 'vitest'
import { LIMITS } from './routes.ts'
import { openWorld, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'

const HEAD = 'POST /instance HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'

/** ZTS, connected. */
async function dial({ athenz, services }: World, { url }: RunningCallback): Promise<TLSSocket> {
  const { keyPem, certPem } = await athenz.issue({ commonName: ZTS_NAME })
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(url).port),
    ca: services.certPem,
    key: keyPem,
    cert: certPem,
    checkServerIdentity: () => undefined,
  })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

test.each([
  ['of a known length', 'content-length: 1000\r\n\r\n{"provider":'],
  ['in chunks', 'transfer-encoding: chunked\r\n\r\n5\r\n{"pro\r\n'],
])('a body %s whose connection breaks is counted as no answer, and the next request is served', async (_name, rest) => {
  await using world = await openWorld()
  const callback = await world.start()
  const socket = await dial(world, callback)
  socket.write(`${HEAD}${rest}`, () => socket.destroy())
  await eventually(() => (callback.log.text().includes('not a request') ? true : undefined))
  expect(await callback.metrics.value('confirmations_total', { code: 'BODY_INVALID' })).toBe(0)
  expect(callback.log.text()).not.toContain('instance not confirmed')

  const next = await dial(world, callback)
  next.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const [answer] = (await once(next, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /)
})

test('a request that is slow to arrive is refused only when ZTS waits no more: it would take a 408 for a no', () => {
  const ztsWaitsMs = 30_000
  expect(LIMITS.headersTimeoutMs).toBeGreaterThan(ztsWaitsMs)
  expect(LIMITS.requestTimeoutMs).toBeGreaterThan(ztsWaitsMs)
  expect(LIMITS.handlerTimeoutMs).toBeLessThan(ztsWaitsMs)
})
