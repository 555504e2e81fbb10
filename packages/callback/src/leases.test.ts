/** Single use, janitor and records of instances against an API server. */
import type { DomainRules } from '@pallas/identity'
import { isKubernetesError, type KubeApi, LEASES, listLeases, pathOf } from '@pallas/kubernetes'
import { eventually, loopbackCredentials, startEmbeddedApiServer } from '@pallas/kubernetes/testing'
import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import { describe, expect, test } from 'vitest'
import { createEvents } from './events.ts'
import { createInstanceRecords } from './instance-records.ts'
import { openJanitor } from './janitor.ts'
import { DOCUMENT_LABELS, selectorOf } from './lease-labels.ts'
import { createSingleUse } from './single-use.ts'

const namespace = 'k8s-admin'

async function openLeases() {
  const clock = new FakeClock()
  const server = await startEmbeddedApiServer({
    serverCredentials: await loopbackCredentials(),
    world: { namespaces: [namespace] },
    clock,
  })
  const api = server.client('admin')
  const names = async () => {
    const { leases } = await listLeases(api, { namespace, labelSelector: selectorOf(DOCUMENT_LABELS) })
    return leases.map(({ name }) => name)
  }
  const exp = () => clock.now() / 1_000 + 300
  return { api, clock, server, names, exp, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

describe('the single use', () => {
  test('is the first one, whoever else tries at the same time', async () => {
    await using it = await openLeases()
    const replicas = [createSingleUse({ ...it, namespace }), createSingleUse({ ...it, namespace })]
    const document = { jti: 'one-of-many', exp: it.exp() }
    const uses = await Promise.all(Array.from({ length: 20 }, (_, index) => replicas[index % 2]!(document)))
    expect(uses.filter(Boolean)).toHaveLength(1)
    expect(await replicas[0]!({ ...document, jti: 'another' })).toBe(true)
  })

  test('is noted under a name that does not tell the id, and for as long as the document could be used', async () => {
    await using it = await openLeases()
    await createSingleUse({ ...it, namespace })({ jti: 'secret-id', exp: it.exp() })
    const { leases } = await listLeases(it.api, { namespace, labelSelector: selectorOf(DOCUMENT_LABELS) })
    const name: unknown = expect.stringMatching(/^athenz-document-[0-9a-f]{64}$/)
    expect(leases).toEqual([expect.objectContaining({ name, durationSeconds: 330 })])
    expect(JSON.stringify(leases)).not.toContain('secret-id')
  })

  test('is unknown while the API server does not answer', async () => {
    await using it = await openLeases()
    it.server.faults.away()
    const use = createSingleUse({ ...it, namespace })({ jti: 'one-of-many', exp: it.exp() })
    await expect(use).rejects.toMatchObject({ code: 'API_UNAVAILABLE', kind: 'unavailable' })
  })
})

async function settled(clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(ms)
  await eventually(() => (clock.sleeping > 0 ? true : undefined))
}

async function openBoth() {
  const it = await openLeases()
  const { log, records } = memoryLog()
  const janitor = openJanitor({ ...it, namespace, events: createEvents({ log, metrics: testMetrics(), clock: it.clock }) })
  const dispose = async () => {
    await janitor[Symbol.asyncDispose]()
    await it[Symbol.asyncDispose]()
  }
  return { ...it, logged: records, use: createSingleUse({ ...it, namespace }), [Symbol.asyncDispose]: dispose }
}

describe('the janitor', () => {
  test('keeps a used document until no clock could take it for valid, then forgets it', async () => {
    await using it = await openBoth()
    await it.use({ jti: 'one-of-many', exp: it.exp() })
    for (let minute = 0; minute < 10; minute++) await settled(it.clock, 60_000)
    expect(await it.names()).toHaveLength(1)
    for (let minute = 0; minute < 2; minute++) await settled(it.clock, 60_000)
    expect(await it.names()).toEqual([])
  })

  test('touches no lease of others', async () => {
    await using it = await openBoth()
    await recordsIn(it.api).put(record)
    await it.api.create(
      pathOf(LEASES, { namespace }),
      { metadata: { name: 'foreign' }, spec: { leaseDurationSeconds: 1 } },
    )
    for (let minute = 0; minute < 30; minute++) await settled(it.clock, 60_000)
    const { items } = await it.api.list(pathOf(LEASES, { namespace }))
    expect(items).toHaveLength(2)
  })

  test('outlasts an API server that is away', async () => {
    await using it = await openBoth()
    await it.use({ jti: 'one-of-many', exp: it.exp() })
    it.server.faults.status(500)
    for (let minute = 0; minute < 15; minute++) await settled(it.clock, 60_000)
    expect(it.logged).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'expired documents not forgotten yet' }),
    )
    it.server.faults.clear()
    await settled(it.clock, 60_000)
    await eventually(async () => ((await it.names()).length === 0 ? true : undefined))
  })
})

const record = {
  provider: 'k8s.admin.athenz-callback',
  domain: 'media.on-air',
  service: 'web',
  instanceId: '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11',
  namespace: 'media-on--air',
  pod: 'web-0',
}

const names = { adminDomain: 'k8s.admin', systemNamespaces: [] }

function recordsIn(api: KubeApi, { log, metrics } = { log: memoryLog().log, metrics: testMetrics() }, rules: DomainRules = names) {
  const events = createEvents({ log, metrics, clock: new FakeClock() })
  return createInstanceRecords({ api, namespace, provider: record.provider, names: () => rules, events })
}

const LABELS = { 'app.kubernetes.io/managed-by': 'athenz-callback', 'athenz.io/record': 'instance' }

/** A Lease as a record of ours would be, but for what `other` says. */
async function forge(api: KubeApi, name: string, other: Record<string, string>): Promise<void> {
  const { provider, domain, service, instanceId } = record
  const facts = { provider, domain, service, 'instance-id': instanceId, namespace: record.namespace, pod: record.pod }
  const annotations = Object.fromEntries(Object.entries({ ...facts, ...other }).map(([key, it]) => [`athenz.io/${key}`, it]))
  await api.create(pathOf(LEASES, { namespace }), { metadata: { name, labels: LABELS, annotations }, spec: {} })
}

const OURS = `athenz-instance-${record.instanceId}`

/** The same pod while its namespace is one of the administrators'. */
const SYSTEM = { ...record, domain: `k8s.admin.${record.namespace}` }

describe('a forged record', () => {
  test.each<[string, string, Record<string, string>]>([
    ['has the name of another instance', 'athenz-instance-x', {}],
    ['names another provider', OURS, { provider: 'media.other-callback' }],
    ['names another domain than that of its namespace', OURS, { domain: 'sports' }],
    ['names a domain below that of the administrators', OURS, { domain: 'k8s.admin.x', namespace: 'k8s-admin-x' }],
    ['names a namespace that stands for no domain', OURS, { namespace: '-' }],
    ['names a service that none is called', OURS, { service: 'a/b' }],
    ['names a domain that has its record elsewhere', OURS, { domain: SYSTEM.domain }],
    ['names no domain of its own there', `${OURS}-system`, {}],
    ['names another domain of the administrators', `${OURS}-system`, { domain: 'k8s.admin.sports' }],
  ])('that %s is told and never acted upon', async (_name, lease, other) => {
    await using it = await openLeases()
    const told = { ...memoryLog(), metrics: testMetrics() }
    const records = recordsIn(it.api, told)
    await forge(it.api, lease, other)
    expect(await records.all()).toEqual([])
    expect(await records.find(record.instanceId)).toEqual([])
    expect(told.text()).toContain(lease)
    expect(await told.metrics.value('instance_records_ignored')).toBe(1)
  })

  test('gives way to the true one, which is durable', async () => {
    await using it = await openLeases()
    const records = recordsIn(it.api)
    for (const other of [{ domain: 'sports' }, { pod: 'web-1' }, { service: 'admin' }]) {
      await forge(it.api, OURS, other)
      await records.put(record)
      expect(await records.all()).toEqual([record])
      expect(await records.find(record.instanceId)).toEqual([record])
      await records.remove(record)
    }
  })

  test('hides nothing from whoever knows the true one', async () => {
    await using it = await openLeases()
    await forge(it.api, OURS, { domain: 'sports' })
    expect(await recordsIn(it.api).find(record.instanceId, record)).toEqual([record])
    expect(await recordsIn(it.api).find(record.instanceId, SYSTEM)).toEqual([])
  })

  test('is the only kind that is ignored', async () => {
    await using it = await openLeases()
    await forge(it.api, OURS, {})
    expect(await recordsIn(it.api).all()).toEqual([record])
  })
})

describe('the records of instances', () => {
  test('are read back as they were put, once however often', async () => {
    await using it = await openLeases()
    const records = recordsIn(it.api)
    expect(await records.find(record.instanceId)).toEqual([])
    await records.put(record)
    await records.put(record)
    expect(await records.all()).toEqual([record])
    expect(await records.find(record.instanceId)).toEqual([record])
  })

  test('stay what they are when system-namespaces changes, whoever still goes by the old (W37)', async () => {
    await using it = await openLeases()
    const before = recordsIn(it.api)
    const after = recordsIn(it.api, undefined, { ...names, systemNamespaces: [record.namespace] })
    await before.put(record)
    expect(await after.all()).toEqual([record])
    await after.put(SYSTEM)
    await before.put(record)
    for (const records of [before, after]) {
      expect(await records.all()).toEqual([record, SYSTEM])
      expect(await records.find(record.instanceId)).toEqual([record, SYSTEM])
    }
    await after.remove(record)
    expect(await before.all()).toEqual([SYSTEM])
  })

  test('are gone after they were removed, once or twice', async () => {
    await using it = await openLeases()
    const records = recordsIn(it.api)
    await records.put(record)
    await records.remove(record)
    await records.remove(record)
    expect(await records.all()).toEqual([])
  })

  test('are read page by page, and a lease that only looks like one is none', async () => {
    await using it = await openLeases()
    const records = recordsIn(paged(it.api))
    for (const digit of '0123456') await records.put({ ...record, instanceId: record.instanceId.replace(/.$/, digit) })
    await it.api.create(pathOf(LEASES, { namespace }), { metadata: { name: 'look-alike', labels: LABELS }, spec: {} })
    expect(await records.all()).toHaveLength(7)
  })

  test('cannot be had from an API server that is away', async () => {
    await using it = await openLeases()
    it.server.faults.away()
    const records = recordsIn(it.api)
    for (const call of [
      () => records.put(record),
      () => records.find('x'),
      () => records.all(),
      () => records.remove(record),
    ]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'API_UNAVAILABLE' })
      expect(isKubernetesError((error as Error).cause)).toBe(true)
    }
  })
})

/** The same API server, three objects at a time. */
const paged = (api: KubeApi): KubeApi => ({
  ...api,
  list: (path, query, signal) => api.list(path, { ...query, limit: 3 }, signal),
})
