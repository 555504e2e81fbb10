import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createConfigEvents } from './config-file.ts'

test('a configuration that cannot be used, or only after a restart, stays visible until it is mended', async () => {
  const { log, records } = memoryLog()
  const metrics = testMetrics()
  const events = createConfigEvents({ path: '/c', log, metrics })
  const shown = async () => [await metrics.value('config_unusable'), await metrics.value('config_restart_needed')]
  expect(await shown()).toEqual([0, 0])
  events.configUnusable(new Error('half a file'))
  expect(await shown()).toEqual([1, 0])
  events.configReplaced({ waiting: ['dns-suffix'] })
  expect(await shown()).toEqual([0, 1])
  events.configReplaced({ waiting: [] })
  expect(await shown()).toEqual([0, 0])
  expect(records.map(({ level, problems }) => [level, problems])).toEqual([
    ['error', undefined],
    ['info', undefined],
    ['warn', ['dns-suffix']],
    ['info', undefined],
  ])
})
