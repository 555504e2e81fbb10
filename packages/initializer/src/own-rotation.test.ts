/** Certificates of the webhook's own making, at an API server that calls it by what `caBundle` says (T27). */
import { eventually } from '@pallas/kubernetes/testing'
import { readCertificates } from '@pallas/x509'
import { TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { openReplicas, type Replica } from './testing/replicas.ts'

const isReady = (replica: Replica) => eventually(async () => ((await replica.readiness()) === 'ready' ? true : undefined))
const used = (replica: Replica) => replica.metrics.value('certificates_used_total')

/** Pods made one after the other at several clients, each call at one of the replicas in turn. */
function load(it: Awaited<ReturnType<typeof openReplicas>>, replicas: readonly Replica[]) {
  const seen = { calls: 0, failures: [] as unknown[], called: [...replicas] }
  const stop = new AbortController()
  const client = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      seen.called[seen.calls % seen.called.length]?.call()
      const outcome = await it.isInjected().catch((error: unknown) => error)
      if (outcome !== true) seen.failures.push(outcome)
      seen.calls++
    }
  }
  const clients = Array.from({ length: 4 }, client)
  return Object.assign(seen, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(clients)
    },
  })
}

/** Machines that are busy with other things get the time that they need. */
const PATIENT = { certificateLife: '12s', bundleSettle: '2s' }

test('three replicas renew, and one takes the place of another, under load: no call fails (T27)', async () => {
  await using it = await openReplicas()
  const replicas = await Promise.all(['web-a', 'web-b', 'web-c'].map((name) => it.start(name, PATIENT)))
  await Promise.all(replicas.map(isReady))
  const running = load(it, replicas)
  await using _load = running

  await eventually(async () => ((await Promise.all(replicas.map(used))).every((count) => (count ?? 0) >= 2) ? true : undefined), 30_000)
  const [first, ...rest] = replicas
  const late = await it.start('web-d', PATIENT)
  await isReady(late)
  running.called = [...rest, late]
  const since = running.calls
  await eventually(() => (running.calls > since + 8 ? true : undefined))
  await first!.stop()
  await eventually(async () => ((await used(late)) ?? 0) >= 2 || undefined, 30_000)
  await running[Symbol.asyncDispose]()

  expect(running.failures).toEqual([])
  expect(running.calls).toBeGreaterThan(50)
  const pods = readCertificates(await it.roots()).map(({ commonName = '' }) => commonName.split('.')[0])
  // Each with what it serves, and at most two more on their way in and out.
  expect(new Set(pods)).toEqual(new Set(['web-b', 'web-c', 'web-d']))
  expect(pods.length).toBeLessThanOrEqual(9)
}, 90_000)

test('before the bundle holds its authority a replica is not ready, and says why (T27)', async () => {
  await using it = await openReplicas()
  const slow = await it.start('web-a', { bundleSettle: '1s' })
  expect(await slow.readiness()).toBe('the api server has not had the time to learn of the own authority')
  await isReady(slow)
  slow.call()
  expect(await it.isInjected()).toBe(true)
})

const operator = await TestCa.create({ name: 'of the operator' })

test.each([
  ['emptied', () => ''],
  ['overwritten by somebody', () => operator.certPem],
])('a bundle that is %s holds every replica again within moments, and nobody became unready (T27)', async (_what, text) => {
  await using it = await openReplicas()
  const settings = { certificateLife: '1h' }
  const replicas = [await it.start('web-a', settings), await it.start('web-b', settings)]
  await Promise.all(replicas.map(isReady))
  await it.overwrite(text())
  await eventually(async () => ((await it.roots()).match(/BEGIN CERTIFICATE/g)?.length ?? 0) >= 2 || undefined)
  for (const replica of replicas) {
    await eventually(async () => ((await replica.metrics.value('ca_bundle_writes_total', { what: 'repaired' })) === 1 ? true : undefined))
    expect(await replica.readiness()).toBe('ready')
    replica.call()
    expect(await it.isInjected()).toBe(true)
  }
  expect((await it.roots()).startsWith(text())).toBe(true)
})

/** Leaves out the bundle and what follows from any change; an embedded server writes empty maps where a real one writes none. */
const other = (key: string, value: unknown): unknown =>
  ['caBundle', 'resourceVersion'].includes(key) || JSON.stringify(value) === '{}' ? undefined : value

test('all that ever changes in the webhook configuration is the bundle (T27)', async () => {
  await using it = await openReplicas()
  const without = async () => JSON.stringify(await it.read(), other)
  const before = await without()
  const replica = await it.start('web-a')
  await eventually(async () => ((await used(replica)) ?? 0) >= 2 || undefined)
  await replica.stop()
  expect(await without()).toBe(before)
})

test('a replica that ends takes its authority along, and those of others stay (T27)', async () => {
  await using it = await openReplicas()
  const [one, two] = [await it.start('web-a'), await it.start('web-b')]
  await Promise.all([isReady(one), isReady(two)])
  await one.stop()
  const left = readCertificates(await it.roots()).map(({ commonName = '' }) => commonName)
  expect(left.length).toBeGreaterThan(0)
  expect(left.filter((name) => !name.startsWith('web-b.'))).toEqual([])
  two.call()
  expect(await it.isInjected()).toBe(true)
})

test.each<[string, readonly string[], string]>([
  ['read', ['patch'], 'KUBE_FORBIDDEN'],
  ['write', ['get'], 'KUBE_FORBIDDEN'],
])('without the right to %s the configuration a replica is not ready, and says so in words, log and metric (T27)', async (_what, verbs, code) => {
  const users = ['system:serviceaccount:k8s-admin:athenz-initializer']
  const maps = { users, verbs: ['get'], apiGroups: [''], resources: ['configmaps'] }
  await using it = await openReplicas({ rules: [maps, { users, verbs, apiGroups: ['*'], resources: ['mutatingwebhookconfigurations'] }] })
  const replica = await it.start('web-a')
  await eventually(async () => ((await replica.readiness()) === 'the webhook configuration may not be read or written by this account' ? true : undefined))
  expect(await replica.metrics.value('ca_bundle_failures_total', { code })).toBeGreaterThan(0)
  expect(replica.memory.records.filter(({ reason }) => reason === code)).toHaveLength(1)
})

test('while the api server is away what was trusted is served on, and stays ready (T27, T28)', async () => {
  await using it = await openReplicas()
  const replica = await it.start('web-a', { certificateLife: '1h' })
  await isReady(replica)
  it.server.faults.status(503)
  await eventually(async () => ((await replica.metrics.value('ca_bundle_failures_total', { code: 'KUBE_BUSY' })) ?? 0) > 0 || undefined)
  expect(await replica.readiness()).toBe('ready')
  it.server.faults.clear()
  replica.call()
  expect(await it.isInjected()).toBe(true)
})

test('with a certificate that others made, nothing is written to the webhook configuration', async () => {
  await using it = await openReplicas()
  const before = await it.read()
  await expect(it.start('web-a', { key: '/nowhere/tls.key', cert: '/nowhere/tls.crt' })).rejects.toMatchObject({ code: 'SERVICE_TLS_FILES' })
  expect(await it.read()).toEqual(before)
})
