import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { createServer, serve } from './index.ts'

const appOf = () => {
  const app = createServer({ log: memoryLog().log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10 })
  app.get('/', async () => ({}))
  return app
}

test.each(['', 'localhost', '127.0.0.1'])('a host of %j is served at the url that is told, by one server', async (host) => {
  const app = appOf()
  await using served = await serve(app, { listen: { host, port: 0 }, graceMs: 0, clock: systemClock })
  const { statusCode, body } = await request(served.url)
  await body.dump()
  expect(statusCode).toBe(200)
  expect(app.addresses()).toHaveLength(1)
})

test('an address that is taken is told, and nothing stays open', async () => {
  await using first = await serve(appOf(), { listen: { host: '127.0.0.1', port: 0 }, graceMs: 0, clock: systemClock })
  const listen = { host: '127.0.0.1', port: Number(new URL(first.url).port) }
  const second = serve(appOf(), { listen, graceMs: 0, clock: systemClock })
  await expect(second).rejects.toMatchObject({ code: 'SERVICE_LISTEN', fields: listen })
})
