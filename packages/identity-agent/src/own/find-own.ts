/** The agent's own certificate of before, after a restart of its container: taken when it is this pod's and still valid. */
import { instanceDnsName } from '@pallas/identity'
import type { TokenSource } from '@pallas/kubernetes'
import type { TlsFiles } from '@pallas/service'
import { type Certificate, readCertificates } from '@pallas/x509'
import type { CertificateCheck } from '../certificate-check.ts'
import { claimedPodOf } from './claimed-pod.ts'
import { readToken } from './obtain.ts'
import type { OwnEvents } from './own-events.ts'

export interface FindOwnDeps {
  /** Opens the pair on disk, when there is one that can be used at all. */
  readonly open: () => Promise<TlsFiles>
  readonly token: TokenSource
  readonly dnsSuffix: () => string
  readonly check: Pick<CertificateCheck, 'trusted'>
  readonly events: Pick<OwnEvents, 'found' | 'unusable'>
}

export interface FoundOwn {
  readonly tls: TlsFiles
  readonly leaf: Certificate
}

/** Undefined for anything that does not count: the agent then gets a new one. */
export async function findOwn(deps: FindOwnDeps): Promise<FoundOwn | undefined> {
  const { open, events } = deps
  await using scope = new AsyncDisposableStack()
  try {
    const tls = scope.use(await open())
    const leaf = await ownLeaf(tls, deps)
    if (leaf === undefined) return undefined
    scope.move()
    events.found(leaf)
    return { tls, leaf }
  } catch (error) {
    events.unusable(error)
    return undefined
  }
}

/** One of another pod, as in a directory that outlives pods, is somebody else's. */
async function ownLeaf(tls: TlsFiles, { token, dnsSuffix, check }: FindOwnDeps): Promise<Certificate | undefined> {
  const [leaf, ...issuers] = readCertificates(tls.current().cert)
  const name = instanceDnsName(claimedPodOf(await readToken(token)).uid, dnsSuffix())
  return leaf !== undefined && leaf.names.dns.includes(name) && (await check.trusted(leaf, issuers)) ? leaf : undefined
}
