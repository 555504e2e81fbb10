import { expect, test } from 'vitest'
import { memoryLog, testMetrics } from './testing/index.ts'

const SECRETS = ['key', 'keyPem', 'keyPEM', 'token', 'jwt', 'ntoken', 'attestationData', 'csr', 'authorization']

test.each(SECRETS)('%s is never written, however deep and by whatever way', (name) => {
  const { log, text, records } = memoryLog()
  const secret = { [name]: 'hush' }
  log.info({ ...secret, one: secret, two: { deep: secret }, three: [{ deeper: { still: secret } }] }, 'said')
  log.info({ [name]: { whole: 'hush' }, other: 'shown' }, 'said')
  log.error({ err: Object.assign(new Error('broken'), { fields: secret }) }, 'said')
  log.child(secret).child({ two: secret }).warn('said')
  expect(text()).not.toContain('hush')
  expect(text()).toContain('broken')
  expect(records.map(({ msg }) => msg)).toEqual(Array(4).fill('said'))
  expect(records[1]).toMatchObject({ [name]: '[secret]', other: 'shown', level: 'info' })
})

test('what only speaks of a secret is written as it is', () => {
  const { log, records } = memoryLog()
  log.info({ problem: '{"key": 1, "token":2}', keyId: 'k.v1' }, 'said "key":')
  expect(records[0]).toMatchObject({ problem: '{"key": 1, "token":2}', keyId: 'k.v1', msg: 'said "key":' })
})

test('a record carries program, level by name, ISO time and the chain of causes', () => {
  const { log, records } = memoryLog()
  log.warn({ err: new Error('above', { cause: new Error('below') }) }, 'it happened')
  expect(records[0]).toMatchObject({ program: 'test', level: 'warn', msg: 'it happened' })
  expect(records[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(JSON.stringify(records[0])).toContain('below')
})

test('below its level nothing is written', () => {
  const { log, records } = memoryLog('warn')
  log.info('unheard')
  expect(records).toEqual([])
})

test('metrics are named for their program and live in a registry of their own', async () => {
  const one = testMetrics()
  const two = testMetrics()
  one.counter({ name: 'refused_total', help: 'Refusals.', labels: ['reason'] }).inc({ reason: 'POD_UNKNOWN' }, 2)
  two.counter({ name: 'refused_total', help: 'Refusals.', labels: ['reason'] })
  one.gauge({ name: 'age_seconds', help: 'Age.', collect: () => 7 })
  one.histogram({ name: 'wait_seconds', help: 'Wait.', buckets: [1, 2] }).observe(1.5)
  expect(await one.value('refused_total', { reason: 'POD_UNKNOWN' })).toBe(2)
  expect(await two.value('refused_total')).toBe(0)
  expect(await one.value('age_seconds')).toBe(7)
  expect(await one.registry.metrics()).toContain('athenz_test_wait_seconds_bucket{le="2"} 1')
})
