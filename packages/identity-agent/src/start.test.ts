import { chmodSync, existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readSettings } from '@pallas/config/testing'
import { type Clock, createMetrics, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { volumePaths } from '@pallas/wire'
import { createCsr, readCertificate } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { program } from './settings.ts'
import { startIdentityAgent } from './start.ts'
import { call } from './testing/call.ts'
import { cgroupsOf, placeProcess } from './testing/cgroups.ts'
import { openCluster, POD, PROVIDER, TOKEN } from './testing/cluster.ts'
import { pem } from './testing/one-pod.ts'
import { makeVolume } from './testing/volume-tree.ts'

async function startAgent({ argv, env }: Awaited<ReturnType<typeof openCluster>>, clock: Clock = systemClock) {
  const memory = memoryLog()
  const metrics = createMetrics('identity_agent')
  const ownUid = process.geteuid?.() ?? 0
  const deps = { clock, log: memory.log, metrics, env, ownUid, version: '1' }
  const agent = await startIdentityAgent(readSettings(program, { argv, env }), deps)
  return { agent, memory, metrics: () => fetch(`${agent.adminUrl}/metrics`).then((answer) => answer.text()) }
}

test('with kubelet, JWT service, ZTS and callback over TLS: both key origins, renewed, and nothing secret told (W20, T46)', async () => {
  await using cluster = await openCluster()
  const handle = makeVolume(join(cluster.root, 'v'), POD, Date.now())
  placeProcess(join(cluster.root, 'p'), process.pid, cgroupsOf(POD.uid))
  const { agent, memory } = await startAgent(cluster)
  await using _agent = agent
  const { socket } = volumePaths(join(cluster.root, 'v'), handle)
  const ask = (action: string, body?: object) =>
    call(socket, `/v1/${action}/${handle}`, body === undefined ? {} : { body })

  const names = await call(socket, `/v1/names/${handle}`, { method: 'GET' })
  expect(names.status).toBe(200)
  const csr = await createCsr(names.body as never, nodeKey())
  const byCsr = await ask('init', { csr })
  expect(byCsr).toMatchObject({ status: 200, body: { ntoken: expect.stringContaining('v=S1') } })
  expect((await ask('refresh', { csr })).status).toBe(200)

  const first = await ask('init')
  expect(first.status).toBe(200)
  const second = await ask('refresh', { keyPEM: first.body['keyPEM'], certPEM: first.body['certPEM'] })
  expect(second.status).toBe(200)
  const third = await ask('refresh', { keyPEM: second.body['keyPEM'], certPEM: second.body['certPEM'] })
  const { serial } = readCertificate(pem(third.body['certPEM']))
  expect(cluster.zts.calls().map(({ operation, status }) => [operation, status])).toEqual([
    ['register', 201],
    ['register', 201],
    ['register', 201],
    ['refresh', 200],
    ['refresh', 200],
  ])
  const record = cluster.zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'cart', instanceId: POD.uid })
  expect(JSON.stringify(record)).toContain(serial)
  const { namespace, name, ip, uid } = POD
  expect(cluster.jwt.asked[0]).toEqual({ namespace, name, domain: 'shop', service: 'cart', ip, uid })
  expect(cluster.callback.asked.every(({ body }) => body.includes('header.payload.signature'))).toBe(true)

  expect(await (await fetch(`${agent.adminUrl}/readyz`)).json()).toEqual({ status: 'ok' })
  const metrics = await (await fetch(`${agent.adminUrl}/metrics`)).text()
  expect(metrics).toContain('athenz_identity_agent_identities_issued_total{call="refresh",origin="agent"} 2')
  expect(metrics).toContain('athenz_identity_agent_weakened{mode="proc-root-not-procfs"} 1')
  for (const text of [metrics, memory.text()]) expect(text).not.toMatch(new RegExp(`BEGIN |header\\.payload|v=S1;|${TOKEN}`))
  expect(existsSync(join(cluster.root, 'drivers', 'athenz-volume-driver'))).toBe(true)
})

test('a kubelet that forbids, and a ZTS that is gone, are outages; the agent stays ready', async () => {
  await using cluster = await openCluster()
  const handle = makeVolume(join(cluster.root, 'v'), POD, Date.now())
  placeProcess(join(cluster.root, 'p'), process.pid, cgroupsOf(POD.uid))
  const { agent } = await startAgent(cluster)
  await using _agent = agent
  const { socket } = volumePaths(join(cluster.root, 'v'), handle)
  await cluster.zts[Symbol.asyncDispose]()
  expect(await call(socket, `/v1/init/${handle}`)).toMatchObject({ status: 503, body: { code: 'ISSUER_UNAVAILABLE' } })
  await cluster.kubelet[Symbol.asyncDispose]()
  await expect
    .poll(async () => (await call(socket, `/v1/init/${handle}`)).body['code'], { interval: 100, timeout: 5_000 })
    .toBe('KUBELET_UNAVAILABLE')
  expect((await fetch(`${agent.adminUrl}/readyz`)).status).toBe(200)
})

test('a volume tree that others may write to keeps the agent unready, by name (T11)', async () => {
  await using cluster = await openCluster()
  chmodSync(join(cluster.root, 'v'), 0o777)
  const { agent } = await startAgent(cluster)
  await using _agent = agent
  const answer = await fetch(`${agent.adminUrl}/readyz`)
  expect(answer.status).toBe(503)
  expect(Object.keys(((await answer.json()) as { checks: object }).checks)).toEqual(['volumes'])
})

test('an agent that comes before the first pod makes the tree, closed to others', async () => {
  await using cluster = await openCluster()
  rmSync(join(cluster.root, 'v'), { recursive: true })
  const { agent } = await startAgent(cluster)
  await using _agent = agent
  expect((await fetch(`${agent.adminUrl}/readyz`)).status).toBe(200)
  expect(statSync(join(cluster.root, 'v')).mode & 0o027).toBe(0)
})

/** A started agent with the volume of the pod that this process is in. */
async function startWithPod(cluster: Awaited<ReturnType<typeof openCluster>>, clock?: Clock) {
  const handle = makeVolume(join(cluster.root, 'v'), POD, Date.now())
  placeProcess(join(cluster.root, 'p'), process.pid, cgroupsOf(POD.uid))
  const started = await startAgent(cluster, clock)
  const { socket } = volumePaths(join(cluster.root, 'v'), handle)
  const init = async () => (await call(socket, `/v1/init/${handle}`)).body['code'] ?? 'OK'
  const names = async () => (await call(socket, `/v1/names/${handle}`, { method: 'GET' })).body
  return { ...started, init, names }
}

const soon = { timeout: 10_000, interval: 300 }

test("roots of trust are followed without a restart: ZTS' and those of Athenz services; a bad file changes nothing (T32, W32, W37)", async () => {
  await using cluster = await openCluster()
  const { agent, memory, init, metrics } = await startWithPod(cluster)
  await using _agent = agent
  const stranger = await TestCa.create({ name: 'stranger' })
  expect(await init()).toBe('OK')
  cluster.configure({ athenz: stranger.certPem })
  await expect.poll(init, soon).toBe('ISSUER_UNAVAILABLE')
  cluster.configure({ athenz: stranger.certPem + cluster.zts.caPem })
  await expect.poll(init, soon).toBe('OK')
  cluster.configure({ athenzService: stranger.certPem })
  await expect.poll(init, soon).toBe('SIGNER_UNAVAILABLE')
  cluster.configure({ athenzService: stranger.certPem + cluster.ca.certPem })
  await expect.poll(init, soon).toBe('OK')
  cluster.configure({ athenz: 'no root', more: 'nonsense: true' })
  await expect.poll(metrics, soon).toMatch(/^athenz_identity_agent_config_unusable 1$/m)
  expect(await init()).toBe('OK')
  expect(memory.records).toContainEqual(expect.objectContaining({ level: 'error', msg: 'new configuration cannot be used, keeping the old' }))
}, 60_000)

test('a key that counts only after a restart is named, and the agent goes on as it was (W37)', async () => {
  await using cluster = await openCluster()
  const { agent, memory, init, metrics } = await startWithPod(cluster)
  await using _agent = agent
  cluster.configure({ endpoint: 'https://127.0.0.1:9/zts/v1', more: 'spiffe-form: none' })
  await expect.poll(metrics, soon).toMatch(/^athenz_identity_agent_config_restart_needed 1$/m)
  expect(memory.records).toContainEqual(expect.objectContaining({ level: 'warn', problems: ['zts-endpoint'] }))
  expect(await init()).toBe('OK')
}, 30_000)

test('names follow the configuration of the cluster without a restart (W37)', async () => {
  await using cluster = await openCluster()
  const { agent, names } = await startWithPod(cluster)
  await using _agent = agent
  expect(await names()).toMatchObject({ uri: ['spiffe://shop/sa/cart'] })
  cluster.configure({ more: 'spiffe-form: none' })
  await expect.poll(async () => (await names())['uri'], soon).toEqual([])
}, 30_000)

test('the clock of ZTS is compared with ours by what its answers say (T31)', async () => {
  await using cluster = await openCluster()
  const slow: Clock = { ...systemClock, now: () => systemClock.now() - 5 * 60_000 }
  const { agent, memory, init, metrics } = await startWithPod(cluster, slow)
  await using _agent = agent
  await init()
  const [, skew = ''] = /^athenz_identity_agent_clock_skew_seconds (\S+)$/m.exec(await metrics()) ?? []
  expect(Number(skew)).toBeGreaterThan(290)
  expect(Number(skew)).toBeLessThan(310)
  expect(memory.records).toContainEqual(expect.objectContaining({ msg: 'the clocks differ', level: 'warn' }))
})

test('however many ask at once, the kubelet is asked once in 500 ms (T37, W22)', async () => {
  await using cluster = await openCluster()
  const { agent, names } = await startWithPod(cluster)
  await using _agent = agent
  const [began, before] = [systemClock.monotonic(), cluster.kubelet.calls()]
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 15 }, names))
  const windows = Math.floor((systemClock.monotonic() - began) / 500) + 1
  expect(cluster.kubelet.calls() - before).toBeLessThanOrEqual(windows)
})
