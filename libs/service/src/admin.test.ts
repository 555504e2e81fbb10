import { systemClock } from '@pallas/runtime'
import { memoryLog, testMetrics } from '@pallas/runtime/testing'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { startAdmin } from './index.ts'

test('health, readiness with its reasons, and metrics are told in plain http (W28)', async () => {
  const metrics = testMetrics()
  metrics.counter({ name: 'things_total', help: 'Things.' }).inc(3)
  let problem: string | undefined = 'certificate has expired'
  await using admin = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    checks: { certificate: () => problem, pods: () => undefined },
    metrics,
    log: memoryLog().log,
    clock: systemClock,
  })
  const get = async (path: string) => {
    const { statusCode, body } = await request(`${admin.url}${path}`)
    return { status: statusCode, text: await body.text() }
  }
  expect((await get('/healthz')).status).toBe(200)
  const notReady = await get('/readyz')
  expect(notReady.status).toBe(503)
  expect(JSON.parse(notReady.text)).toMatchObject({ code: 'NOT_READY', checks: { certificate: problem } })
  problem = undefined
  expect((await get('/readyz')).status).toBe(200)
  expect((await get('/metrics')).text).toContain('athenz_test_things_total 3')
  expect((await get('/other')).status).toBe(404)
})
