import { FakeClock, testMetrics } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { ownCertificate } from './own-certificate.ts'

test('a server is ready while its certificate is valid, and its end and unusable files are metrics', async () => {
  const clock = new FakeClock('2030-01-01T00:00:00Z')
  const metrics = testMetrics()
  const notAfter = clock.now() + 60_000
  let isUnusable = false
  const problem = ownCertificate({ tls: { notAfter: () => notAfter, isUnusable: () => isUnusable }, clock, metrics })
  expect(problem()).toBeUndefined()
  expect(await metrics.value('identity_not_after_seconds')).toBe(notAfter / 1_000)
  expect(await metrics.value('tls_files_unusable')).toBe(0)
  isUnusable = true
  expect(await metrics.value('tls_files_unusable')).toBe(1)
  await clock.advance(60_000)
  expect(problem()).toBe('own certificate has expired')
})
