import { readFileSync } from 'node:fs'
import { testMetrics } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { agentMetrics } from './agent-metrics.ts'

const alerts = readFileSync(new URL('../../../deploy/monitoring/alerts.yaml', import.meta.url), 'utf8')
const alerted = [...alerts.matchAll(/athenz_identity_agent_requests_total\{code=~"([^"]+)"\}/g)].flatMap(([, codes = '']) => codes.split('|'))

test('whatever an alert asks for is there as 0 before it first happens: a series that begins at 1 has no increase', async () => {
  const metrics = testMetrics()
  agentMetrics(metrics)
  const shown = await metrics.registry.metrics()
  expect(alerted.length).toBeGreaterThan(0)
  expect(alerted.filter((code) => !shown.includes(`{action="init",code="${code}"} 0`))).toEqual([])
  expect(shown).toContain('identities_issued_total{call="register",origin="pod"} 0')
  expect(shown).toContain('issue_overflows_total{bound="namespace"} 0')
})
