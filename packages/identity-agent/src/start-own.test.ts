/** An agent that gets its own identity, among real servers: ZTS, callback, kubelet and JWT service over TLS. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSettings } from '@pallas/config/testing'
import { createMetrics, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { volumePaths } from '@pallas/wire'
import { readCertificate } from '@pallas/x509'
import { expect, test } from 'vitest'
import { program } from './settings.ts'
import { startIdentityAgent } from './start.ts'
import { call } from './testing/call.ts'
import { cgroupsOf, placeProcess } from './testing/cgroups.ts'
import { AGENT_POD, openCluster, POD, PROVIDER } from './testing/cluster.ts'
import { makeVolume } from './testing/volume-tree.ts'

const tokenFor = ({ namespace, name, uid }: typeof AGENT_POD): string => {
  const claims = { 'kubernetes.io': { namespace, pod: { name, uid } } }
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2lnbmF0dXJl`
}

async function openAgent() {
  const cluster = await openCluster()
  const { root, env } = cluster
  const tokenFile = join(root, 'identity-token')
  const identityDir = join(root, 'identity')
  writeFileSync(tokenFile, tokenFor(AGENT_POD))
  const others = cluster.argv.filter((arg) => !/^--(key|cert)=/.test(arg))
  const argv = [...others, `--identity-token-file=${tokenFile}`, `--identity-dir=${identityDir}`]
  const handle = makeVolume(join(root, 'v'), POD, Date.now())
  placeProcess(join(root, 'p'), process.pid, cgroupsOf(POD.uid))
  const { socket } = volumePaths(join(root, 'v'), handle)
  const start = async () => {
    const memory = memoryLog()
    const deps = { clock: systemClock, log: memory.log, metrics: createMetrics('identity_agent'), env, ownUid: process.geteuid?.() ?? 0, version: '1' }
    const agent = await startIdentityAgent(readSettings(program, { argv, env }), deps)
    const text = async (path: string) => (await fetch(`${agent.adminUrl}${path}`)).text()
    return { agent, memory, ready: () => text('/readyz'), metrics: () => text('/metrics') }
  }
  const init = async () => (await call(socket, `/v1/init/${handle}`)).body['code'] ?? 'OK'
  const certificate = () => readCertificate(readFileSync(join(identityDir, 'current', 'service.cert'), 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/)[0] ?? '')
  return { ...cluster, tokenFile, identityDir, start, init, certificate }
}

const soon = { timeout: 10_000, interval: 50 }
const READY = '{"status":"ok"}'

test('is not ready before it has one, and then serves pods with it; nothing of key or token is told (T46)', async () => {
  await using it = await openAgent()
  it.zts.faults.away()
  const { agent, memory, ready, metrics } = await it.start()
  await using _agent = agent
  await expect.poll(ready, soon).toContain('no certificate of its own yet: ISSUER_UNAVAILABLE')
  expect(await it.init()).toBe('NOT_READY')
  expect((await fetch(`${agent.adminUrl}/healthz`)).status).toBe(200)
  it.zts.faults.reset()
  await expect.poll(ready, { ...soon, timeout: 30_000 }).toBe(READY)
  expect(await it.init()).toBe('OK')

  const { commonName, names, notAfter } = it.certificate()
  expect({ commonName, dns: names.dns, ip: names.ip }).toEqual({
    commonName: 'k8s.admin.athenz-identity-agent',
    dns: ['athenz-identity-agent.k8s-admin.svc.cluster.test', `${AGENT_POD.uid}.instanceid.athenz.svc.cluster.test`],
    ip: [AGENT_POD.ip],
  })
  expect(await metrics()).toContain(`athenz_identity_agent_identity_not_after_seconds ${notAfter / 1_000}`)
  expect(await metrics()).toMatch(/own_identity_attempts_total\{code="OK"\} 1/)
  const [record] = it.zts.calls().filter(({ operation, status }) => operation === 'register' && status === 201)
  expect(record).toBeDefined()
  const asked = it.callback.asked.map(({ body }) => JSON.parse(body) as { attestationData: string; provider: string })
  expect(asked[0]).toMatchObject({ provider: PROVIDER, attestationData: tokenFor(AGENT_POD) })
  for (const text of [memory.text(), await metrics()]) expect(text).not.toMatch(/BEGIN |c2lnbmF0dXJl|eyJrdWJlcm5ldGVz/)
  expect(statSync(join(it.identityDir, 'current', 'service.key')).mode & 0o777).toBe(0o600)
}, 60_000)

test('goes on with it after a restart of its container in an outage, and does not ask for another (T29)', async () => {
  await using it = await openAgent()
  {
    const { agent, ready } = await it.start()
    await using _agent = agent
    await expect.poll(ready, soon).toBe(READY)
  }
  const before = it.certificate().serial
  const asked = it.callback.asked.length
  const { agent, ready, memory } = await it.start()
  await using _agent = agent
  expect(await ready()).toBe(READY)
  expect(await it.init()).toBe('OK')
  expect(it.certificate().serial).toBe(before)
  expect(it.callback.asked.length - asked).toBe(1)
  expect(memory.records).toContainEqual(expect.objectContaining({ msg: 'own identity found', serial: before }))
}, 60_000)

test('takes nothing that was left for another pod', async () => {
  await using it = await openAgent()
  {
    const { agent, ready } = await it.start()
    await using _agent = agent
    await expect.poll(ready, soon).toBe(READY)
  }
  const before = it.certificate().serial
  const other = { ...AGENT_POD, name: 'agent-y', uid: '00000000-0000-4000-8000-00000000a9e8' }
  it.kubelet.setPods([POD, other])
  writeFileSync(it.tokenFile, tokenFor(other))
  const { agent, ready } = await it.start()
  await using _agent = agent
  await expect.poll(ready, soon).toBe(READY)
  expect(it.certificate().names.dns).toContain(`${other.uid}.instanceid.athenz.svc.cluster.test`)
  expect(it.certificate().serial).not.toBe(before)
  expect(readdirSync(it.identityDir)).toHaveLength(2)
}, 60_000)

test('that the callback refuses says so: in log, metric and readiness, with the reason that it gave', async () => {
  await using it = await openAgent()
  it.callback.say(() => ({ status: 403, body: '{"code":"TOKEN_ACCOUNT","message":"the token is not taken"}' }))
  const { agent, ready, memory, metrics } = await it.start()
  await using _agent = agent
  await expect.poll(ready, soon).toContain('no certificate of its own yet: TOKEN_ACCOUNT')
  expect(await metrics()).toMatch(/own_identity_attempts_total\{code="TOKEN_ACCOUNT"\} 1/)
  expect(memory.records).toContainEqual(expect.objectContaining({ level: 'error', reason: 'TOKEN_ACCOUNT', msg: 'no own identity, trying again' }))
  expect(existsSync(it.identityDir)).toBe(false)
}, 60_000)
