import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createEvents } from './events.ts'

const alerts = readFileSync(new URL('../../../deploy/monitoring/alerts.yaml', import.meta.url), 'utf8')
const pages = [...alerts.matchAll(/athenz_jwt_service_documents_total\{code=~?"([^"]+)"\}/g)]
const alerted = pages.flatMap(([, codes = '']) => codes.split('|'))

test('every reason that an alert asks for is there as 0 before it first happens: a series that begins at 1 has no increase', async () => {
  const metrics = testMetrics()
  createEvents({ log: memoryLog().log, metrics, clock: new FakeClock() })
  const shown = await metrics.registry.getSingleMetricAsString('athenz_test_documents_total')
  expect(alerted.length).toBeGreaterThan(0)
  expect(alerted.filter((code) => !shown.includes(`{code="${code}"} 0`))).toEqual([])
})
