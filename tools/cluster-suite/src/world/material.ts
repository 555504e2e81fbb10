/** Keys of the trial, and an Athenz that knows the workloads of the tests too; kept for as long as the cluster is. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '@pallas/real-cluster'
import { type Material, makeMaterial } from '@pallas/trial'
import { addService, worldOf, type ZtsWorld } from '@pallas/zts/testing'
import { ADMIN_DOMAIN, AGENT, DNS_SUFFIX, PROVIDER, WORKLOADS, ZTS } from './names.ts'

export async function suiteMaterial({ stateDirectory }: Cluster): Promise<Material> {
  const path = join(stateDirectory, 'suite-material.json')
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Material
  const material = await makeMaterial()
  writeFileSync(path, JSON.stringify(material), { mode: 0o600 })
  return material
}

/** What the trial's ZTS would know, with our workloads instead of its example. */
export function athenzWorld({ secrets }: Material): ZtsWorld {
  const trial = JSON.parse(secrets[ZTS]['world.json'] ?? '{}') as ZtsWorld
  const endpoint = trial.domains[ADMIN_DOMAIN]?.services['athenz-callback']?.providerEndpoint ?? ''
  const world = worldOf({ provider: PROVIDER, endpoint, dnsSuffixes: [DNS_SUFFIX], services: [AGENT, ...WORKLOADS] })
  for (const [name, { publicKeys }] of Object.entries(trial.domains[ADMIN_DOMAIN]?.services ?? {})) {
    Object.assign(addService(world, `${ADMIN_DOMAIN}.${name}`).publicKeys, publicKeys)
  }
  // Known to Athenz, which lets nobody launch it.
  addService(world, 'shop.player')
  return world
}
