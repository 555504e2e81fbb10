/** Calls about roles by hand: any CSR, any credential. */
import { createCsr, type CsrNames } from '@pallas/x509'
import { type Issued, type NodeKey, nodeKey } from '@pallas/x509/testing'
import { callBy } from '../../contract-call.ts'
import type { OpenEmbedded } from '../../open-embedded.ts'
import type { RawRequest } from '../../raw-client.ts'
import { allowRole } from '../world.ts'

/** `shop.web` is a reader and a writer of `shop`. */
export function withReaders(it: OpenEmbedded): void {
  allowRole(it.world, 'shop', 'readers', ['shop.web'])
  allowRole(it.world, 'shop', 'writers', ['shop.w*', 'bank.teller'])
}

export const pairOf = (it: OpenEmbedded, commonName = 'shop.web', uri: readonly string[] = []): Promise<Issued> =>
  it.ca.issue({ commonName, uri, dns: ['web.shop.svc.cluster.test'], ip: ['10.1.2.3'] })

const READERS = { commonName: 'shop:role.readers', dns: [], ip: [], uri: ['athenz://principal/shop.web'] }

export const roleCsr = (names: Partial<CsrNames> = {}, key: NodeKey = nodeKey()): Promise<string> =>
  createCsr({ ...READERS, ...names }, key)

interface RoleCall extends Partial<RawRequest> {
  /** What the body says besides the CSR, or in its place. */
  readonly fields?: object
}

export async function askRole(it: OpenEmbedded, names: Partial<CsrNames> = {}, { fields, ...request }: RoleCall = {}) {
  const body = JSON.stringify({ csr: await roleCsr(names), expiryTime: 60, ...fields })
  return callBy(it, '/rolecert', { method: 'POST', headers: { 'content-type': 'application/json' }, body, ...request })
}

export const askRoleToken = (it: OpenEmbedded, query: string, request: Partial<RawRequest> = {}) =>
  callBy(it, `/domain/${query}`, request)
