/** Whether a certificate that was verified at the handshake would be verified now, by other roots than those of then. */
import { createPublicKey, verify, type X509Certificate } from 'node:crypto'
import { checkChain, readCertificate, readCertificates, type SignatureScheme, type Verify } from '@pallas/x509'

export interface PeerChainCheck {
  /** With the certificates that came with it as its issuers. */
  readonly peer: X509Certificate | undefined
  /** PEM. */
  readonly roots: readonly string[]
  /** Epoch milliseconds. */
  readonly now: number
}

const MOST_ISSUERS = 8

/** Not more lenient than a handshake; what cannot be read is not trusted. */
export async function leadsToRoots({ peer, roots, now }: PeerChainCheck): Promise<boolean> {
  if (peer === undefined) return false
  try {
    const anchors = roots.flatMap((pem) => readCertificates(pem))
    await checkChain({ leaf: readCertificate(peer.raw), anchors, intermediates: issuersOf(peer), now, verify: verifySignature })
    return true
  } catch {
    return false
  }
}

/** What was shown on the way to a root. */
function issuersOf(peer: X509Certificate) {
  const shown: X509Certificate[] = []
  for (let at = peer.issuerCertificate; at !== undefined && shown.length < MOST_ISSUERS; at = at.issuerCertificate) shown.push(at)
  return shown.map(({ raw }) => readCertificate(raw))
}

const hashOf = (scheme: SignatureScheme): string => scheme.slice(scheme.indexOf('-') + 1)

const verifySignature: Verify = async ({ scheme, spki, data, signature }) => {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const kind = scheme.startsWith('rsa') ? 'rsa' : 'ec'
    return key.asymmetricKeyType === kind && verify(hashOf(scheme), data, key, signature)
  } catch {
    return false
  }
}
