/** A ZTS over real TLS, as strict as the recorded one, that vouches with one authority for itself, services and roles. */
import type { TestCa } from '@pallas/x509/testing'
import { addService, allowRole, startEmbeddedZts, worldOf, type ZtsCall, type ZtsFaults } from '@pallas/zts/testing'
import { NAMES } from './test-agent.ts'

export interface RealZts extends AsyncDisposable {
  /** As a setting names it. */
  readonly url: string
  readonly caPem: string
  readonly faults: ZtsFaults
  calls(): readonly ZtsCall[]
  /** Makes these the members of a role. */
  allow(domain: string, role: string, ...members: readonly string[]): void
  /** Registers a public key, PEM, of a service `<domain>.<service>`. */
  register(service: string, keyId: string, publicPem: string): void
}

/** No provider: certificates of services come from the agent of a test. */
const NOBODY = { provider: 'k8s.identity', endpoint: 'https://127.0.0.1:9' }

export async function openRealZts(ca: TestCa): Promise<RealZts> {
  const world = worldOf({ ...NOBODY, dnsSuffixes: ['svc.cluster.local'], services: [NAMES.commonName] })
  const server = await startEmbeddedZts({ world, ca })
  return {
    url: server.url.href.replace(/\/$/, ''),
    caPem: server.caPem,
    faults: server.faults,
    calls: () => server.calls(),
    allow: (domain, role, ...members) => allowRole(world, domain, role, members),
    register: (service, keyId, publicPem) => {
      addService(world, service).publicKeys[keyId] = publicPem
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
