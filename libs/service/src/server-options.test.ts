import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createServer } from './index.ts'

test('a server may leave refusals out of its log, and say how many a line stands for', async () => {
  const memory = memoryLog()
  const counts = [1, 0, 3]
  const tell = () => counts.shift() ?? 0
  const app = createServer({ log: memory.log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10, tell })
  for (let n = 0; n < 3; n++) expect((await app.inject('/none')).statusCode).toBe(404)
  const told = memory.records.filter(({ msg }) => msg === 'request refused')
  expect(told.map(({ reason, count }) => [reason, count])).toEqual([['ROUTE_UNKNOWN', undefined], ['ROUTE_UNKNOWN', 3]])
  await app.close()
})

test('a route with a schema keeps its server from starting: none is ever compiled, so none would hold', async () => {
  const { log } = memoryLog()
  const app = createServer({ log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 10 })
  app.post('/shaped', { schema: { body: { type: 'object' } } }, async () => ({}))
  await expect(app.ready()).rejects.toThrow('routes have no schemas here')
})
