/** The suite is taken off a cluster in which pods live by it, as docs/install.md says, and put there again. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { certificateOf, deletePod, eventually, handleOf, launch, podIpOf, type PodObject, request, SERVING, SERVING_PORT, waitForLog } from '@pallas/suite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl } from './kubectl.ts'
import { mountsBelow } from './processes.ts'
import { put } from './world/install.ts'
import { suiteMaterial } from './world/material.ts'
import { ADMIN_NAMESPACE } from './world/names.ts'
import { type ClusterWorld, openWorld } from './world/open-world.ts'
import { podsOf } from './world/replicas.ts'

const IN_ADMIN = `--namespace=${ADMIN_NAMESPACE}`
const UNINSTALLER = '--selector=app.kubernetes.io/name=athenz-uninstall'

let it: ClusterWorld
let web: PodObject
let orders: PodObject
let player: PodObject

beforeAll(async () => {
  it = await openWorld({ refreshInterval: '1s' })
  web = await launch(it, request(it, 'web-0'))
  orders = await launch(it, request(it, 'orders-0', { serviceAccount: 'orders' }))
  player = await launch(it, request(it, 'player-0', { namespace: 'media-on--air', serviceAccount: 'player' }))
})
afterAll(() => it[Symbol.asyncDispose]())

const driver = (): string => join(it.cluster.flexVolumeDirectory, 'athenz.kubernetes.io~athenz-volume-driver')
const treeOf = (pod: PodObject): string => join(it.node.volumesDir, handleOf(it, pod))

async function callsWeb(): Promise<object> {
  await waitForLog(it, web.metadata, 'main', SERVING)
  const { exitCode, output } = await it.node.exec(orders.metadata, 'main', [...it.workloads.command('call'), '/tls', podIpOf(web), String(SERVING_PORT)])
  return { exitCode, ...(JSON.parse(output) as object) }
}

test('pods whose agent was taken away go on with what they hold, and end: the driver is there still (T36)', async () => {
  await kubectl(['delete', 'mutatingwebhookconfiguration', 'athenz-initializer'])
  await kubectl(['delete', 'daemonset', 'athenz-identity-agent', IN_ADMIN, '--timeout=90s'], { deadlineMs: 100_000 })
  await eventually('the end of the agent', async () => ((await podsOf('identity-agent')).length === 0 ? true : undefined), it.deadlineMs)
  expect(await callsWeb()).toMatchObject({ exitCode: 0, server: 'shop.web', youAre: 'shop.orders' })
  const tree = treeOf(web)
  await deletePod(it, web.metadata)
  expect([existsSync(tree), existsSync(it.node.volumePath(web, 'sia-identity'))]).toEqual([false, false])
})

test('the driver is not removed under pods that are mounted by it: the uninstaller says so, and waits (T36)', async () => {
  await kubectl(['apply', '-k', join(REPOSITORY, 'deploy/uninstall')])
  const refusal = await eventually(
    'its refusal',
    async () => {
      const log = await kubectl(['logs', IN_ADMIN, UNINSTALLER, '--container=remove', '--tail=5']).catch(() => '')
      return log.includes('still there') ? log : undefined
    },
    it.deadlineMs,
  )
  expect(refusal).toMatch(/^\d+ volumes of pods are still there$/m)
  expect(existsSync(join(driver(), 'athenz-volume-driver'))).toBe(true)
})

test('a namespace with such a pod goes meanwhile (T36, T39)', async () => {
  const tree = treeOf(player)
  await kubectl(['delete', 'namespace', 'media-on--air', '--timeout=120s'], { deadlineMs: 130_000 })
  expect(existsSync(tree)).toBe(false)
})

test('when the last pod has gone the uninstaller takes driver and state, and nothing is mounted (T36)', async () => {
  await deletePod(it, orders.metadata)
  await kubectl(['rollout', 'status', 'daemonset/athenz-uninstall', IN_ADMIN, '--timeout=170s'], { deadlineMs: 175_000 })
  expect(existsSync(driver())).toBe(false)
  expect(readdirSync('/var/athenz')).toEqual([])
  expect(mountsBelow(it.node.volumesDir)).toEqual([])
  await kubectl(['delete', '-k', join(REPOSITORY, 'deploy/uninstall'), '--timeout=60s'], { deadlineMs: 70_000 })
}, 300_000)

test('installed again it gives new pods their identities', async () => {
  await put(it.cluster, await suiteMaterial(it.cluster))
  const pod = await launch(it, request(it, 'web-0'))
  expect(certificateOf(it, pod).names.dns[1]).toContain(pod.metadata.uid)
  await deletePod(it, pod.metadata)
}, 300_000)
