import { existsSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCertificate } from '@pallas/x509'
import { deletePod, handleOf } from '../pod-control.ts'
import { PROVIDER } from '../names.ts'
import { type ClusterUnderTest, credentialsOf, eventually, launch, openCluster, request } from './open-cluster.ts'
import { moveProvider } from './upstream.ts'

let it: ClusterUnderTest

beforeAll(async () => {
  it = await openCluster({ replicas: 2 })
})
afterAll(() => it[Symbol.asyncDispose]())

test('a deleted pod leaves no volume, no instance record at ZTS, though two callbacks look after it, and its name is free for another identity (T39, W8, W40)', async () => {
  const { cluster } = it
  const first = await launch(cluster, request('web-0'))
  moveProvider(cluster, 'callback-2')
  const firstHandle = await handleOf(cluster, first)
  const firstCert = readCertificate(credentialsOf(cluster, first).cert)
  await deletePod(cluster, request('web-0'))
  expect(existsSync(`${cluster.state.volumes}/${firstHandle}`)).toBe(false)
  const deletion = eventually(
    'the instance deleted at ZTS by the callback',
    () => cluster.zts.calls().find(({ operation, instanceId }) => operation === 'delete' && instanceId === first.metadata.uid),
    60_000,
  )

  const second = await launch(cluster, request('web-0'))
  expect(second.metadata.uid).not.toBe(first.metadata.uid)
  expect(await handleOf(cluster, second)).not.toBe(firstHandle)
  const secondCert = readCertificate(credentialsOf(cluster, second).cert)
  expect(secondCert.commonName).toBe(firstCert.commonName)
  expect(secondCert.names.dns[1]).toBe(`${second.metadata.uid}.instanceid.athenz.svc.cluster.local`)

  await deletePod(cluster, request('web-0'))
  expect(readdirSync(cluster.state.volumes)).toEqual([])
  expect(await deletion).toMatchObject({ principal: PROVIDER, status: 204 })
  // Whoever of the two is second finds nothing to delete, which ZTS says the same of.
  const deletions = cluster.zts.calls().filter(({ operation, instanceId }) => operation === 'delete' && instanceId === first.metadata.uid)
  expect(deletions.length).toBeLessThanOrEqual(2)
  expect(deletions.filter(({ status }) => status !== 204)).toEqual([])
  expect(cluster.zts.records.get({ provider: PROVIDER, domain: 'shop', service: 'web', instanceId: first.metadata.uid })).toBeUndefined()
}, 90_000)
