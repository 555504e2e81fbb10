/** Athenz as an administrator would have set it up: domains, services, keys, and whom the callback may launch. */
import { addService, worldOf, type ZtsWorld } from '@pallas/zts/testing'
import { DNS_SUFFIX, JWT_SERVICE, PROVIDER, WORKLOADS } from './names.ts'
import type { ServiceKey } from './pki.ts'

export function athenzWorld(callbackUrl: string, keys: { readonly callback: ServiceKey; readonly jwtService: ServiceKey }): ZtsWorld {
  const world = worldOf({ provider: PROVIDER, endpoint: callbackUrl, dnsSuffixes: [DNS_SUFFIX], services: WORKLOADS })
  addService(world, PROVIDER).publicKeys[keys.callback.version] = keys.callback.publicKeyPem
  addService(world, JWT_SERVICE).publicKeys[keys.jwtService.version] = keys.jwtService.publicKeyPem
  return world
}
