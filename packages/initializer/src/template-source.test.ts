import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createEvents } from './events.ts'
import { openTemplateSource } from './template-source.ts'
import { initConfig } from './testing/init-config.ts'

const named = (name: string): string => initConfig({ name })

/** A source whose ConfigMap is whatever `answer` gives at the moment. */
async function open(first: string) {
  const clock = new FakeClock()
  const memory = memoryLog()
  const metrics = testMetrics()
  const it = { answer: (): string | undefined => first }
  const events = createEvents({ log: memory.log, metrics })
  const source = await openTemplateSource({ readConfigMap: async () => it.answer(), clock, syncMs: 60_000, events })
  const errors = () => memory.records.filter(({ level }) => level === 'error').length
  return Object.assign(it, {
    source,
    errors,
    next: () => clock.advance(60_000),
    stale: () => metrics.value('templates_stale'),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  })
}

test.each([
  ['no config map', undefined],
  ['templates that cannot be used', 'name: x'],
])('%s at the start is an error', async (_what, text) => {
  const events = createEvents({ log: memoryLog().log, metrics: testMetrics() })
  const opening = openTemplateSource({ readConfigMap: async () => text, clock: new FakeClock(), syncMs: 1, events })
  await expect(opening).rejects.toMatchObject({ code: 'TEMPLATES_INVALID' })
})

test('a changed config map is used from the next look on (W37)', async () => {
  await using it = await open(named('one'))
  it.answer = () => named('two')
  expect(it.source.current().name).toBe('one')
  await it.next()
  expect(it.source.current().name).toBe('two')
})

test('templates that cannot be used are told once, and the old ones stay until good ones come (W37)', async () => {
  await using it = await open(named('one'))
  it.answer = () => 'name: broken'
  await it.next()
  await it.next()
  expect(it.source.current().name).toBe('one')
  expect([it.errors(), await it.stale()]).toEqual([1, 1])
  it.answer = () => named('two')
  await it.next()
  expect(it.source.current().name).toBe('two')
  expect(await it.stale()).toBe(0)
})

test('an api server that is away, or a config map that is gone, changes nothing but is told; its return is noticed', async () => {
  await using it = await open(named('one'))
  it.answer = () => {
    throw new Error('no answer')
  }
  await it.next()
  it.answer = () => undefined
  await it.next()
  expect(it.source.current().name).toBe('one')
  expect([it.errors(), await it.stale()]).toEqual([2, 1])
  it.answer = () => named('one')
  await it.next()
  expect(await it.stale()).toBe(0)
})
