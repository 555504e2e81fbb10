/** The cluster's configuration changes while the service runs and agents ask. */
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { AGENT, bodyFor, call, type Opened, openService } from './testing/world.ts'

const told = (it: Opened, message: string, times = 1) =>
  expect.poll(() => it.log.records.filter(({ msg }) => msg === message).length, { timeout: 5_000 }).toBe(times)

test('a root is replaced in order without a restart and without one failed handshake (T32, W32, W37)', async () => {
  await using it = await openService()
  const next = await TestCa.create({ name: 'next' })
  const both = it.services.certPem + next.certPem
  let issuer = it.services
  const stop = new AbortController()
  const statuses: number[] = []
  const asking = Promise.all(Array.from({ length: 3 }, async () => {
    while (!stop.signal.aborted) {
      const pair = await issuer.issue({ commonName: AGENT, dns: ['node-1'] })
      statuses.push((await call(it, '/v1/jwt', bodyFor(it), { pair, ca: both })).status)
    }
  }))
  const someMore = () => expect.poll(() => statuses.length, { timeout: 20_000 }).toBeGreaterThan(statuses.length + 6)

  await someMore()
  await it.configure({ services: both })
  await told(it, 'tls files replaced')
  issuer = next
  await it.tls.replace(await next.issue({ commonName: 'k8s.admin.athenz-jwt-service', dns: ['localhost'], ip: ['127.0.0.1'] }))
  await told(it, 'tls files replaced', 2)
  await someMore()
  await it.configure({ services: next.certPem })
  await told(it, 'tls files replaced', 3)
  await someMore()
  stop.abort()
  await asking
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(await it.metrics.value('tls_handshake_failures_total')).toBe(0)

  const pair = await it.agent()
  await expect(call(it, '/v1/jwt', bodyFor(it), { pair, ca: both })).rejects.toThrow()
  await expect.poll(() => it.metrics.value('tls_handshake_failures_total', { reason: 'untrusted' }), { timeout: 5_000 }).toBe(1)
})

test('names follow from the configuration as it is now (W37)', async () => {
  await using it = await openService()
  const ask = async () => call(it, '/v1/jwt', bodyFor(it), { pair: await it.agent() })
  expect((await ask()).status).toBe(200)
  await it.configure({}, 'system-namespaces: [media-on--air]')
  await told(it, 'configuration replaced')
  expect((await ask()).code).toBe('DOMAIN_MISMATCH')
})

test('a configuration that cannot be used leaves the old one in force and is told (W37)', async () => {
  await using it = await openService()
  await it.replace('config.yaml', 'trust-roots: {}')
  await told(it, 'new configuration cannot be used, keeping the old')
  expect(await it.metrics.value('config_unusable')).toBe(1)
  expect((await call(it, '/v1/jwt', bodyFor(it), { pair: await it.agent() })).status).toBe(200)
})

test('a key that counts only after a restart is named (W37)', async () => {
  await using it = await openService()
  await it.configure({}, 'auth-header: X-Other')
  await told(it, 'some of the configuration counts only after a restart')
  expect(it.log.records).toContainEqual(expect.objectContaining({ level: 'warn', problems: ['auth-header'] }))
  expect(await it.metrics.value('config_restart_needed')).toBe(1)
})
