/**
 * What every program of a running suite tells of itself: all of it is documented, bounded, and nothing of it is secret.
 *
 * Node's home alone: the static SIA has no metrics.
 */
import { REPOSITORY } from '@pallas/build'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildNToken, REASONS } from '@pallas/identity'
import { credentialsOf, csrFor, documentedMetrics, eventually, familiesIn, type Family, launch, leaksIn, overSocket, request, secretsIn } from '@pallas/suite'
import { CSR_LABEL, fromPem } from '@pallas/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SERVERS } from '../control-plane.ts'
import type { PodObject } from '../kubelet/objects.ts'
import { SIA_COMMAND } from '../names.ts'
import { createPod, handleOf, hasEnded, logOf, volumePath, waitForPod } from '../pod-control.ts'
import { freePorts } from '../ports.ts'
import { adminUrl } from '../programs.ts'
import { cgroupOf, placeHere, socketOf } from './callers.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'
import { documentFor, namesOf } from './upstream.ts'

let it: ClusterUnderTest
let web: PodObject
let texts: readonly string[]
let families: readonly Family[]

beforeAll(async () => {
  it = await openCluster({ refreshInterval: '1s', home: 'node' })
  web = await launch(it, request(it, 'web-0'))
  await misbehave()
  texts = await Promise.all([...adminUrls(), await companion()].map(scrape))
  families = texts.flatMap(familiesIn)
}, 120_000)
afterAll(() => it[Symbol.asyncDispose]())

const adminUrls = (): string[] => {
  const { jwtServiceAdmin, callbackAdmin, initializerAdmin, agentAdmin } = it.cluster.ports
  return [jwtServiceAdmin, callbackAdmin, initializerAdmin, agentAdmin].map(adminUrl)
}

const scrape = (url: string) =>
  eventually(`metrics at ${url}`, async () => {
    const answer = await fetch(`${url}/metrics`).catch(() => undefined)
    return answer?.status === 200 ? answer.text() : undefined
  })

/** Refusals of many kinds, so that what is told of them is seen too. */
async function misbehave(): Promise<void> {
  const { cluster } = it
  const stranger = request(it, 'stranger-0', { serviceAccount: 'stranger', restartPolicy: 'Never' })
  await createPod(cluster, stranger)
  await waitForPod(cluster, stranger, hasEnded)
  const handle = await handleOf(cluster, web)
  const names = await namesOf(cluster, web)
  using _here = placeHere(cluster, cgroupOf(web))
  const csr = await csrFor({ ...names, dns: ['other.test'] })
  const socket = socketOf(cluster, handle)
  await overSocket(socket, 'POST', `/v1/init/${handle}`, { csr })
  await overSocket(socket, 'POST', `/v1/refresh/${handle}`, { keyPEM: btoa(credentialsOf(it, web).key), certPEM: btoa('none') })
  await overSocket(socket, 'POST', `/v1/${encodeURIComponent(csr)}`, csr)
  cluster.zts.faults.html()
  await overSocket(socket, 'POST', `/v1/init/${handle}`)
  cluster.zts.faults.reset()
}

/** A refresher of web-0 that serves metrics. */
async function companion(): Promise<string> {
  const { port } = await freePorts(['port'])
  const files = ['key', 'cert', 'ca-cert'].map((name) => `--out-${name}=/tls/more/${name}.pem`)
  const place = ['--id-file=/identity/id', '--endpoint=unix:///identity/connect/agent.sock', '--out-ntoken=/tls/more/ntoken']
  const argv = [SIA_COMMAND, '--mode=refresh', ...place, ...files, `--metrics-server-addr=127.0.0.1:${port}`]
  void it.cluster.node.kubelet.exec(request(it, 'web-0'), 'sia-refresh', argv)
  return `http://127.0.0.1:${port}`
}

const facts = (list: readonly Pick<Family, 'name' | 'type'>[]): string[] =>
  [...new Set(list.map(({ name, type }) => `${name} ${type}`))].toSorted((a, b) => (a < b ? -1 : 1))

describe('metrics', () => {
  const documented = documentedMetrics(readFileSync(join(REPOSITORY, 'docs/operations.md'), 'utf8'))

  test('every one that a program exposes stands in docs/operations.md, with its type, and the other way round', () => {
    expect(facts(families)).toEqual(facts(documented))
  })

  test('have no other labels than those that stand there', () => {
    for (const { name, samples } of families) {
      const known = documented.find((row) => row.name === name)?.labels ?? []
      for (const labels of samples) expect(known, name).toEqual(expect.arrayContaining(Object.keys(labels)))
    }
  })

  test('have labels of few values, and reason codes where a code is told (T46)', () => {
    const codes = new Set([...Object.keys(REASONS), 'OK', 'patched', 'untouched', 'skipped'])
    for (const { name, samples } of families) {
      for (const [label, value] of samples.flatMap((labels) => Object.entries(labels))) {
        expect(value, `${name} ${label}`).toMatch(/^[\w.:/ -]{0,80}$/)
        expect(value).not.toContain(web.metadata.uid)
        if (label === 'code' && !name.includes('_zts_')) expect(codes, name).toContain(value)
      }
      expect(samples.length, name).toBeLessThanOrEqual(60)
    }
  })
})

describe('secrets', () => {
  test('of each kind are recognised', async () => {
    const csr = await csrFor(await namesOf(it.cluster, web))
    const key = credentialsOf(it, web).key
    const salt = { domain: 'shop', service: 'web', salt: 'aa', issuedAt: 1, expiresAt: 2, keyId: 'v1' }
    const found = [key, btoa(key), fromPem(csr, CSR_LABEL).toBase64(), await documentFor(it.cluster, web), await buildNToken(salt, async () => new Uint8Array(64))]
    expect(found.map((text) => secretsIn(JSON.stringify({ msg: text })).length > 0)).toEqual(found.map(() => true))
    expect(secretsIn(readFileSync(join(volumePath(it.cluster, web, 'ntoken'), 'ntoken'), 'utf8'))).toEqual(['an N-token'])
  })

  test('of no kind are in a metric or in a log, though there was much to tell (T46)', async () => {
    expect(texts.flatMap(secretsIn)).toEqual([])
    const logs = readdirSync(it.cluster.state.logs)
    for (const name of [...SERVERS, 'shop_web-0_sia-refresh', 'shop_stranger-0_sia-init']) expect(logs).toContain(`${name}.log`)
    expect(await logOf(it.cluster, request(it, 'stranger-0'), 'sia-init')).toContain('denied')
    expect(leaksIn(it.cluster.state.logs)).toEqual([])
  })
})
