import { IdentityError } from '@pallas/identity'
import { createRequestIds } from '@pallas/runtime'
import { FakeClock, memoryLog } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createRefusalEvents, createServer } from './index.ts'

const denied = () => new IdentityError('POD_UNKNOWN', 'no such pod', { shown: 'x' })

function open() {
  const clock = new FakeClock()
  const memory = memoryLog()
  const counted: string[] = []
  const events = createRefusalEvents({ log: memory.log, clock, count: (reason) => void counted.push(reason), message: 'not done' })
  return { clock, counted, events, ...memory }
}

test('a denial is told once, then once a minute with its number, and counted each time', async () => {
  const { clock, counted, events, records } = open()
  for (let n = 0; n < 50; n++) events.refused(denied(), { pod: 'a/b', jti: 'j1' })
  await clock.advance(60_000)
  events.refused(denied(), { pod: 'a/b', jti: 'j2' })
  expect(records.map(({ count, jti }) => [count, jti])).toEqual([[undefined, 'j1'], [50, 'j2']])
  expect(records[0]).toMatchObject({ level: 'warn', msg: 'not done', reason: 'POD_UNKNOWN', pod: 'a/b', facts: { shown: 'x' } })
  expect(counted).toHaveLength(51)
})

test('a denial of another pod is told at once', () => {
  const { events, records } = open()
  for (const pod of ['a/b', 'a/c', 'a/b']) events.refused(denied(), { pod })
  expect(records.map(({ pod }) => pod)).toEqual(['a/b', 'a/c'])
})

test('what broke is an error in the log, what was refused or is away a warning', () => {
  const { events, records } = open()
  for (const code of ['POD_UNKNOWN', 'API_UNAVAILABLE', 'INTERNAL'] as const) events.refused(new IdentityError(code, 'no'), {})
  expect(records.map(({ level }) => level)).toEqual(['warn', 'warn', 'error'])
})

test('a server tells what no route has told, and no refusal twice', async () => {
  const { clock, events, log, records, counted } = open()
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: 10, tell: events.tell })
  app.get('/told', async () => {
    const refusal = denied()
    events.refused(refusal, {})
    throw refusal
  })
  for (const path of ['/told', '/none', '/none']) await app.inject(path)
  expect(records.flatMap(({ msg, reason }) => (reason === undefined ? [] : [[msg, reason]]))).toEqual([
    ['not done', 'POD_UNKNOWN'],
    ['request refused', 'ROUTE_UNKNOWN'],
  ])
  expect(counted).toEqual(['POD_UNKNOWN', 'ROUTE_UNKNOWN', 'ROUTE_UNKNOWN'])
  await app.close()
})
