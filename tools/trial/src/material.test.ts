import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { parseClusterConfig } from '@pallas/wire/cluster-config'
import { expect, test } from 'vitest'
import { existingMaterial } from './existing.ts'
import { parseWorld } from './in-cluster/zts-files.ts'
import { makeMaterial } from './material.ts'
import { LABEL } from './names.ts'
import { split, toYaml } from './render.ts'
import { fakeKubectl } from './testing/fake-kubectl.ts'

test('the configuration is one that the programs take, and trusts ZTS and what it issues apart', async () => {
  const { secrets, configMaps } = await makeMaterial()
  const config = parseClusterConfig(configMaps['athenz-config']['config.yaml']!)
  expect(config).toMatchObject({ adminDomain: 'k8s.admin', providerService: 'k8s.admin.athenz-callback', ztsEndpoint: 'https://athenz-trial-zts.k8s-admin.svc.cluster.local:4443/zts/v1' })
  const server = new X509Certificate(secrets['athenz-trial-zts']['server.pem']!)
  expect(server.verify(new X509Certificate(config.trustRoots.athenz).publicKey)).toBe(true)
  expect(server.verify(new X509Certificate(config.trustRoots.athenzService).publicKey)).toBe(false)
  expect(server.checkHost('athenz-trial-zts.k8s-admin.svc.cluster.local')).toBeDefined()
})

test('the example of a configuration lacks nothing but the roots of whoever copies it', () => {
  const text = readFileSync(join(REPOSITORY, 'deploy/example/cluster/config.yaml'), 'utf8')
  expect(() => parseClusterConfig(text)).toThrow(
    expect.objectContaining({ problems: ['trust-roots.athenz must be a bundle of pem certificates', 'trust-roots.athenz-service must be a bundle of pem certificates'] }),
  )
})

test('ZTS knows the keys of the control plane, and whom the callback may launch', async () => {
  const { secrets } = await makeMaterial()
  const world = parseWorld(secrets['athenz-trial-zts']['world.json']!)
  const key = createPublicKey(secrets['athenz-callback-identity']['service.key']!).export({ format: 'pem', type: 'spki' })
  expect(world.domains['k8s.admin']!.services['athenz-callback']).toEqual({ publicKeys: { v1: key }, providerEndpoint: 'https://athenz-callback.k8s-admin.svc.cluster.local:4443' })
  expect(world.domains['k8s.admin']!.policies).toContainEqual(expect.objectContaining({ action: 'launch', resource: 'k8s.admin:service.athenz-identity-agent' }))
  expect(world.domains['athenz.trial']!.policies).toHaveLength(5)
})

test('no private key is in a ConfigMap', async () => {
  expect(JSON.stringify((await makeMaterial()).configMaps)).not.toContain('PRIVATE KEY')
})

const inBase64 = (files: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))

test('an earlier trial gives its keys again, letter for letter; half of one does not', async () => {
  const material = await makeMaterial()
  const labels = { [LABEL.key]: LABEL.value }
  const table = [
    ...Object.entries(material.secrets).map(([name, files]) => [`secret ${name}`, JSON.stringify({ metadata: { labels }, data: inBase64(files) })] as const),
    ...Object.entries(material.configMaps).map(([name, data]) => [`configmap ${name}`, JSON.stringify({ metadata: { labels }, data })] as const),
  ]
  expect(await existingMaterial(fakeKubectl(table))).toEqual(material)
  expect(await existingMaterial(fakeKubectl(table.map(([words, answer]) => [words, words.endsWith('athenz-config') ? '' : answer])))).toBeUndefined()
  const foreign = table.map(([words, answer]) => [words, answer.replace('"true"', '"mine"')] as const)
  expect(await existingMaterial(fakeKubectl(foreign))).toBeUndefined()
})

test('the pods that show an identity come apart from the suite, whose webhook they need', () => {
  const text = toYaml([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'k8s-admin' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'athenz-trial' } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'athenz-trial' } },
  ])
  const { suite, example } = split(text)
  expect(suite.map(({ metadata }) => metadata.name)).toEqual(['k8s-admin'])
  expect(example.map(({ metadata }) => metadata.name)).toEqual(['athenz-trial', 'web'])
})
