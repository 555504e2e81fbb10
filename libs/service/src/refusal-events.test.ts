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
  for (let n = 0; n < 50; n++) events.refused(denied(), { pod: 'a/b', jti: `j${n}` })
  expect(records).toHaveLength(1)
  await clock.advance(60_000)
  expect(records.map(({ count, jti }) => [count, jti])).toEqual([[undefined, 'j0'], [49, 'j49']])
  expect(records[0]).toMatchObject({ level: 'warn', msg: 'not done', reason: 'POD_UNKNOWN', pod: 'a/b', facts: { shown: 'x' } })
  await clock.advance(60_000)
  events.refused(denied(), { pod: 'a/b' })
  expect(records).toHaveLength(3)
  expect(counted).toHaveLength(51)
})

test('what was left out is written at the end, and nothing waits then', async () => {
  const { clock, events, records } = open()
  for (let n = 0; n < 3; n++) events.refused(denied(), { pod: 'a/b' })
  expect(clock.sleeping).toBe(1)
  await events[Symbol.asyncDispose]()
  expect(records.map(({ count }) => count)).toEqual([undefined, 2])
  expect(clock.sleeping).toBe(0)
})

test('what was left out of one of very many things is written when it is forgotten', () => {
  const { events, records } = open()
  for (let n = 0; n < 2; n++) events.refused(denied(), { pod: 'a/first' })
  for (let n = 0; n < 10_000; n++) events.refused(denied(), { pod: `a/${n}` })
  expect(records.filter(({ pod }) => pod === 'a/first')).toHaveLength(2)
})

const AGENT = { peer: 'k8s.admin.athenz-identity-agent', pod: 'media/web-0', podUid: 'u1', node: 'node-a', serial: '0A' }

test.each([
  ['POD_ON_OTHER_NODE', 'node', { node: 'node-b' }],
  ['POD_UNKNOWN', 'certificate', { serial: '0B' }],
  ['POD_UNKNOWN', 'pod of the same name', { podUid: 'u2' }],
  ['DOCUMENT_REPLAYED', 'document', { jti: 'stolen' }],
  ['NODE_MISMATCH', 'document', { jti: 'stolen' }],
] as const)('%s of another %s is told at once, however often the first was', (code, _what, other) => {
  const { events, records } = open()
  const facts = { ...AGENT, jti: 'first' }
  for (let n = 0; n < 100; n++) events.refused(new IdentityError(code, 'no'), facts)
  events.refused(new IdentityError(code, 'no'), { ...facts, ...other })
  expect(records).toHaveLength(2)
  expect(records.at(-1)).toMatchObject(other)
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
  await events[Symbol.asyncDispose]()
  expect(records.at(-1)).toMatchObject({ msg: 'not done', reason: 'ROUTE_UNKNOWN' })
})
