import { nodeHost } from '@pallas/linux'
import { type AgentClient, createAgentClient } from '@pallas/wire'
import { readCertificate, readCsr, verifyCsr } from '@pallas/x509'
import { nodeVerify, TestCa } from '@pallas/x509/testing'
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createFetchForAgentKey, createFetchForOwnKey } from './fetch.ts'
import { bytes, openPod, type Pod, SOCKET } from '../testing/pod.ts'
import { HANDLE, NAMES, refusal } from '../testing/test-agent.ts'

const signal = new AbortController().signal
const ID = { idFile: '/identity/id' }

const clientOf = ({ host }: Pod): AgentClient =>
  createAgentClient({ http: host.http, to: { kind: 'unix', socketPath: SOCKET }, timeoutMs: 1_000 })

const ownKey = (pod: Pod) => createFetchForOwnKey({ agent: clientOf(pod), host: pod.host, ...ID })
const agentKey = (pod: Pod) => createFetchForAgentKey({ agent: clientOf(pod), host: pod.host, ...ID })

test('the first certificate is for a key made here and exactly the names that the agent offers', async () => {
  const pod = await openPod()
  const { set, spki } = await ownKey(pod)(undefined, signal)
  expect(pod.agent.calls).toEqual(['names', 'init csr'])
  const leaf = readCertificate(set.certPem)
  expect(leaf.names).toMatchObject({ dns: NAMES.dns, ip: NAMES.ip, uri: NAMES.uri })
  expect([leaf.spki.toHex(), spki.toHex()]).toEqual(Array(2).fill((await promptImport(set.keyPem)).spki.toHex()))
})

test('the csr carries the names and nothing else, in the eyes of openssl too', async () => {
  const pod = await openPod()
  await ownKey(pod)(undefined, signal)
  const [csr = ''] = pod.agent.csrs
  expect(await verifyCsr(readCsr(csr), nodeVerify)).toBe(true)
  const said = execFileSync('openssl', ['req', '-verify', '-noout', '-text', '-subject'], { input: csr, stdio: 'pipe' }).toString()
  expect(said).toContain('CN = media.on-air.web')
  expect(said).toContain(`DNS:${NAMES.dns[0]}, DNS:${NAMES.dns[1]}, IP Address:10.1.2.3, URI:${NAMES.uri[0]}`)
})

test('a renewal is asked for as one, with a new key each time', async () => {
  const pod = await openPod()
  const first = await ownKey(pod)(undefined, signal)
  const second = await ownKey(pod)(first.set, signal)
  expect(pod.agent.calls.at(-1)).toBe('refresh csr')
  expect(second.set.keyPem).not.toBe(first.set.keyPem)
})

test('an answer that was lost is asked for again with the same key, and got in an outage too (T17, T33)', async () => {
  const pod = await openPod()
  const fetch = ownKey(pod)
  pod.agent.willLoseAnswer()
  await expect(fetch(undefined, signal)).rejects.toMatchObject({ code: 'AGENT_UNAVAILABLE' })
  pod.agent.isCutOff = true
  const { set, leaf } = await fetch(undefined, signal)
  const [lost, again] = pod.agent.csrs
  expect(again).toBe(lost)
  expect([set.ntoken, leaf.spki]).toEqual(['', (await promptImport(set.keyPem)).spki])
  await expect(fetch(set, signal)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
})

test('a key outlives names that change, and every answer ends it', async () => {
  const pod = await openPod()
  const fetch = ownKey(pod)
  pod.agent.willLoseAnswer()
  await expect(fetch(undefined, signal)).rejects.toThrow()
  pod.agent.names = { ...NAMES, ip: ['10.9.9.9'] }
  await fetch(undefined, signal)
  pod.agent.willRefuse('NOT_A_POD')
  await expect(fetch(undefined, signal)).rejects.toMatchObject({ kind: 'denied' })
  await fetch(undefined, signal)
  const [lost, got, denied, last] = pod.agent.csrs.map((csr) => readCsr(csr).spki.toHex())
  expect(got).toBe(lost)
  expect(new Set([got, denied, last]).size).toBe(3)
})

test('names that change in between are asked for again', async () => {
  const pod = await openPod()
  const moved = { ...NAMES, ip: ['10.9.9.9'] }
  pod.agent.willAnswer(() => {
    pod.agent.names = moved
    return refusal('CSR_NAMES_CHANGED')
  })
  const { set } = await ownKey(pod)(undefined, signal)
  expect(readCertificate(set.certPem).names.ip).toEqual(moved.ip)
})

test('names that never settle are given up after four tries', async () => {
  const pod = await openPod()
  pod.agent.willRefuse('CSR_NAMES_CHANGED', { times: 9 })
  await expect(ownKey(pod)(undefined, signal)).rejects.toMatchObject({ code: 'CSR_NAMES_CHANGED' })
  expect(pod.agent.asked).toBe(4)
})

test('in the original form the agent makes the key, and gets the pair back for a renewal', async () => {
  const pod = await openPod()
  const first = await agentKey(pod)(undefined, signal)
  const second = await agentKey(pod)(first.set, signal)
  expect(pod.agent.calls).toEqual(['init', 'refresh pair'])
  expect((await promptImport(second.set.keyPem)).spki).toEqual(readCertificate(second.set.certPem).spki)
})

test.each([
  ['a handle of another form', 'HANDLE_INVALID', (pod: Pod) => replaceId(pod, '../../etc')],
  ['an id file that is a fifo', 'HOST_WRONG_KIND', async (pod: Pod) => pod.host.machine.place('/identity/id', { kind: 'other' })],
  ['an id file that is too long', 'HOST_TOO_LARGE', (pod: Pod) => replaceId(pod, HANDLE.repeat(9))],
  ['no id file', 'HOST_NOT_FOUND', (pod: Pod) => pod.host.files.unlink('/identity/id')],
])('%s ends before the agent is asked', async (_name, code, spoil) => {
  const pod = await openPod()
  await spoil(pod)
  await expect(ownKey(pod)(undefined, signal)).rejects.toMatchObject({ code })
  expect(pod.agent.calls).toEqual([])
})

test.each([
  ['a key made here', ownKey],
  ['a key of the agent', agentKey],
])('with %s an authority that is another one, or missing, is refused', async (_name, fetchOf) => {
  const pod = await openPod()
  const stranger = await TestCa.create({ now: pod.host.clock.now() })
  pod.agent.spoil = (it) => ({ ...it, caPem: stranger.chainPem })
  await expect(fetchOf(pod)(undefined, signal)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
  pod.agent.spoil = (it) => ({ ...it, caPem: '' })
  await expect(fetchOf(pod)(undefined, signal)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
})

test('a token that has expired is refused', async () => {
  const pod = await openPod()
  pod.agent.ntoken = `v=S1;d=media;n=web;a=00;t=1;e=${pod.host.clock.now() / 1_000};k=0;s=AA--`
  await expect(ownKey(pod)(undefined, signal)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
})

test('a key in the answer that no one can read, or that is another one, is refused', async () => {
  const pod = await openPod()
  pod.agent.spoil = (it) => ({ ...it, keyPem: 'not a key' })
  await expect(agentKey(pod)(undefined, signal)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
  const other = await nodeHost().keys.generate()
  pod.agent.spoil = (it) => ({ ...it, keyPem: other.pem })
  await expect(agentKey(pod)(undefined, signal)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT', fields: { part: 'key' } })
})

test('names that no csr can hold make the agent the one that is wrong', async () => {
  const pod = await openPod()
  pod.agent.names = { ...NAMES, ip: ['not an address'] }
  await expect(ownKey(pod)(undefined, signal)).rejects.toMatchObject({ code: 'AGENT_UNAVAILABLE' })
})

const promptImport = (pem: string) => nodeHost().keys.import(pem)

async function replaceId({ host }: Pod, text: string): Promise<void> {
  await host.files.unlink('/identity/id')
  await host.files.create('/identity/id', bytes(text), 0o444)
}
