/** Athenz as an administrator would have set it up: domains, services, keys, and whom the callback may launch. */
import { addService, allowRole, domainIn, worldOf, type ZtsWorld } from '@pallas/zts/testing'
import { AGENT, DNS_SUFFIX, JWT_SERVICE, PROVIDER, ROLE, WORKLOADS } from './names.ts'
import type { ServiceKey } from './pki.ts'

interface ControlKeys {
  readonly callback: ServiceKey
  readonly jwtService: ServiceKey
}

export function athenzWorld(callbackUrl: string, keys: ControlKeys, certificateMinutes: number | undefined): ZtsWorld {
  const world = worldOf({ provider: PROVIDER, endpoint: callbackUrl, dnsSuffixes: [DNS_SUFFIX], services: [...WORKLOADS, AGENT] })
  addService(world, PROVIDER).publicKeys[keys.callback.version] = keys.callback.publicKeyPem
  addService(world, JWT_SERVICE).publicKeys[keys.jwtService.version] = keys.jwtService.publicKeyPem
  allowRole(world, ROLE.domain, ROLE.role, [ROLE.member])
  if (certificateMinutes !== undefined) for (const name of WORKLOADS) capLife(world, name, certificateMinutes)
  return world
}

function capLife(world: ZtsWorld, name: string, minutes: number): void {
  domainIn(world, name.slice(0, name.lastIndexOf('.'))).serviceCertExpiryMinutes = minutes
}
