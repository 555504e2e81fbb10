/** After a cluster nothing of it is left on the host: however it ended, and however far it came. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { eventually, launch, request } from '@pallas/suite'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { startCluster } from '../cluster.ts'
import { currentIsolation } from '../namespace.ts'
import { createPod } from '../pod-control.ts'
import { isListening, leftoversOf, mountsBelow, NOTHING_LEFT, processesOf } from './leftovers.ts'
import { openCluster } from './open-cluster.ts'

const MOUNTS_OF_A_VOLUME = 1

/** Everything that a sandbox writes goes below it. */
let parent: string

beforeEach(() => {
  parent = mkdtempSync('/tmp/t-')
  vi.stubEnv('TMPDIR', parent)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(parent, { recursive: true, force: true })
})

test('a cluster that is disposed leaves no process, no listener, no mount and no file', async () => {
  await using it = await openCluster({ replicas: 2 })
  const { cluster } = it
  const { dir } = cluster.state
  await launch(it, request(it, 'web-0'))
  await launch(it, request(it, 'stubborn-0', { identity: false, command: ['sh', '-c', 'trap "" TERM; sleep 600 & sleep 600'] }))
  void cluster.node.kubelet.exec(request(it, 'web-0'), 'main', ['sh', '-c', 'sleep 600 & sleep 600'])
  const ports = [...Object.values(cluster.ports), ...[cluster.api.url, cluster.zts.url.href, cluster.node.podsUrl].map((url) => Number(new URL(url).port))]
  expect(await Promise.all(ports.map(isListening))).not.toContain(false)
  expect(processesOf(dir).length).toBeGreaterThan(8)
  expect(mountsBelow(dir)).toHaveLength(cluster.isolation === 'none' ? 0 : MOUNTS_OF_A_VOLUME)

  await it[Symbol.asyncDispose]()
  expect(leftoversOf(dir)).toEqual(NOTHING_LEFT)
  expect(readdirSync(parent)).toEqual([])
  expect(await Promise.all(ports.map(isListening))).not.toContain(true)
})

test('a process that is killed leaves nothing of its cluster, not even a mount', async () => {
  const owner = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'cluster-owner.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void owner.kill('SIGKILL'))
  const [said] = (await once(owner.stdout, 'data')) as [Buffer]
  const dir = said.toString().trim()
  expect(processesOf(dir).length).toBeGreaterThan(8)
  expect(mountsBelow(dir)).toHaveLength(currentIsolation(process.env) === 'mount-namespace' ? MOUNTS_OF_A_VOLUME : 0)
  owner.kill('SIGKILL')
  await eventually('nothing to be left', () => (isDeepStrictEqual(leftoversOf(dir), NOTHING_LEFT) ? true : undefined))
  expect(readdirSync(parent)).toEqual([])
})

test('a cluster that ends while a pod is being launched leaves nothing either', async () => {
  await using it = await openCluster()
  const { dir } = it.cluster.state
  await createPod(it.cluster, request(it, 'web-0'))
  await it[Symbol.asyncDispose]()
  expect(leftoversOf(dir)).toEqual(NOTHING_LEFT)
})

test('a start that fails because one program does ends the others, which are still starting', async () => {
  const up = (name: string) => {
    if (name === 'api server') rmSync(join(parent, readdirSync(parent)[0] ?? '', 'pki/webhook.key'))
  }
  const starting = startCluster({ isolation: currentIsolation(process.env) ?? 'none', webhookCertificate: 'provisioned', events: { up } })
  await expect(starting).rejects.toThrow(/^initializer did not become ready; it said:\n.*webhook\.key/s)
  expect(processesOf(parent)).toEqual([])
  expect(readdirSync(parent)).toEqual([])
})

test('a program that ends though nobody asked it to is told; one that is stopped, or ends with the cluster, is not', async () => {
  const down: string[] = []
  await using cluster = await startCluster({ isolation: currentIsolation(process.env) ?? 'none', events: { down: (name) => down.push(name) } })
  await cluster.controlPlane.stop('callback', 'kill')
  process.kill(cluster.controlPlane.program('initializer').pid, 'SIGKILL')
  await eventually('the end to be told', () => (down.length > 0 ? true : undefined))
  await cluster[Symbol.asyncDispose]()
  expect(down).toEqual(['initializer'])
  expect(readdirSync(parent)).toEqual([])
})

test.each(['api server', 'jwt-service'])('a start that is given up when %s is up leaves nothing', async (last) => {
  const stop = new AbortController()
  let midway: string[] = []
  const up = (name: string) => {
    if (name !== last) return
    midway = processesOf(parent)
    stop.abort(new Error('given up'))
  }
  const isolation = currentIsolation(process.env) ?? 'none'
  await expect(startCluster({ isolation, events: { up }, signal: stop.signal })).rejects.toThrow('given up')
  if (last !== 'api server') expect(midway).not.toEqual([])
  expect(readdirSync(parent)).toEqual([])
  expect(processesOf(parent)).toEqual([])
  expect(mountsBelow(parent)).toEqual([])
})
