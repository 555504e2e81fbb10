/** What the contract needs of any ZTS, and the requests that its tests make. */
import type { NTokenClaims } from '@pallas/identity'
import { createCsr, type CsrNames } from '@pallas/x509'
import { type NodeKey, nodeKey } from '@pallas/x509/testing'
import type { InstanceIdentity, RegisterRequest, Zts } from '../zts.ts'
import type { TestCallback } from './test-callback.ts'

/** What a test run needs of any ZTS to judge it. */
export interface ZtsUnderTest extends AsyncDisposable {
  /** A client that nobody vouches for, as an agent registers. */
  readonly zts: Zts
  /** A client that presents the certificate of the provider. */
  readonly asProvider: Zts
  /** Base URL and the PEM roots that vouch for it, for calls by hand. */
  readonly url: URL
  readonly serverRoots: string
  /** PEM roots of what is issued. */
  readonly roots: string
  readonly provider: string
  /** Suffix of DNS names that the provider may use. */
  readonly dnsSuffix: string
  /** A service that the provider may launch, and one that is there but not for it. */
  readonly launched: ServiceName
  readonly forbidden: ServiceName
  /** Registered as the provider's endpoint. */
  readonly callback: TestCallback
  /** A service that is in one role of the domain, and not in the other; a service certificate of it. */
  readonly member: ServiceName & {
    readonly pair: { readonly keyPem: string; readonly certPem: string }
    readonly role: string
    readonly otherRole: string
  }
  /** A service with a registered public key, and tokens it signs; `claims` changes some. */
  readonly owner: ServiceName & {
    readonly key: NodeKey
    readonly token: (claims?: Partial<NTokenClaims>) => Promise<string>
  }
}

interface ServiceName {
  readonly domain: string
  readonly service: string
}

/** Register of the launched service under some instance id, other where the test says so. */
export async function registration(
  it: ZtsUnderTest,
  { key = nodeKey(), instanceId = 'pod-1', names, ...other }: RegistrationChanges = {},
): Promise<RegisterRequest> {
  const { provider, launched } = it
  const csr = await createCsr({ ...namesFor(it, instanceId), ...names }, key)
  return { provider, ...launched, attestationData: 'document', csr, ...other }
}

export interface RegistrationChanges extends Partial<RegisterRequest> {
  readonly key?: NodeKey
  readonly instanceId?: string
  readonly names?: Partial<CsrNames>
}

export const namesFor = ({ launched: { domain, service }, dnsSuffix }: ZtsUnderTest, instanceId: string): CsrNames => ({
  commonName: `${domain}.${service}`,
  dns: [`${service}.${domain}.${dnsSuffix}`, `${instanceId}.instanceid.athenz.${dnsSuffix}`],
  ip: ['10.1.2.3'],
  uri: [`spiffe://${domain}/sa/${service}`],
})

/** A registered instance that can be refreshed with whatever certificate of it. */
export async function instanceOf(it: ZtsUnderTest, instanceId = 'pod-1') {
  const key = nodeKey()
  const register = async () => it.zts.register(await registration(it, { key, instanceId }))
  const refresh = async ({ x509Certificate }: InstanceIdentity, other: RegistrationChanges = {}) =>
    it.zts.refresh({
      ...(await registration(it, { key, instanceId, ...other })),
      instanceId,
      credentials: { keyPem: key.pem, certPem: x509Certificate },
    })
  const name = { provider: it.provider, ...it.launched, instanceId }
  return { key, first: await register(), register, refresh, name }
}

export const REVOKED = { code: 'ZTS_REVOKED', status: 403, retryable: false }
export const MINUTE = 60_000
