/** What ZTS sent is believed only when it is what was asked for (attacks T16). */
import type { Clock, Keys } from '@pallas/host'
import { IdentityError, type WorkloadNames } from '@pallas/identity'
import { type Certificate, checkChain, readCertificate, readCertificates, sameBytes, sameNames } from '@pallas/x509'

export interface CertificateCheck {
  /**
   * The certificate as it was read. Throws `UPSTREAM_INVALID_CERT`, `fields.why` saying what is wrong: another key, other
   * names, not valid now, or a chain that does not end in our roots.
   */
  issued(answer: { readonly cert: string; readonly issuers: string }, wanted: Wanted): Promise<Certificate>
  /** Whether nothing stands in a bundle but roots of now, and CAs that this certificate needs on its way to one of them. */
  leadsByAllOf(bundle: string, cert: Certificate): Promise<boolean>
  /** Whether a certificate that a caller holds is one of ours and valid now, by our clock and no other. */
  trusted(cert: Certificate, issuers: readonly Certificate[]): Promise<boolean>
}

export interface Wanted {
  readonly names: WorkloadNames
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

export interface CertificateCheckDeps {
  /** PEM bundle, as of now: whose certificates Athenz services carry. */
  readonly roots: () => string
  readonly verify: Keys['verify']
  readonly clock: Pick<Clock, 'now'>
}

/** How far ahead of ours the clock of ZTS may be for what it has just issued. */
export const SKEW_MS = 5 * 60_000
const COME_BACK_MS = 5_000

export function createCertificateCheck({ roots, verify, clock }: CertificateCheckDeps): CertificateCheck {
  const anchors = anchorsIn(roots)

  /** What others send may lengthen the chain, never end it. */
  async function chains(leaf: Certificate, issuers: readonly Certificate[], skewMs: number): Promise<void> {
    await checkChain({ leaf, anchors: anchors(), intermediates: issuers, now: clock.now(), verify, skewMs })
  }

  return {
    async issued({ cert, issuers }, { names, spki }) {
      const { leaf, others } = read(cert, issuers)
      if (!sameBytes(leaf.spki, spki)) throw invalid('key')
      const differs = sameNames({ ...leaf.names, commonName: leaf.commonName }, names)
      if (differs !== undefined) throw invalid(`names: ${differs}`)
      try {
        await chains(leaf, others, SKEW_MS)
      } catch (cause) {
        throw invalid('chain', cause)
      }
      return leaf
    },

    async leadsByAllOf(bundle, cert) {
      const cas = readCertificates(bundle)
      const added = cas.filter((ca) => !anchors().some((anchor) => sameBytes(anchor.der, ca.der)))
      for (const one of added) {
        const rest = added.filter((other) => other !== one)
        if (await chains(cert, rest, SKEW_MS).then(() => true, () => false)) return false
      }
      return chains(cert, added, SKEW_MS).then(() => true, () => false)
    },

    async trusted(cert, issuers) {
      try {
        await chains(cert, issuers, 0)
        return true
      } catch {
        return false
      }
    },
  }
}

/** Read once for each version of the bundle. */
function anchorsIn(roots: () => string): () => readonly Certificate[] {
  let known: { readonly pem: string; readonly anchors: readonly Certificate[] } = { pem: '', anchors: [] }
  return () => {
    const pem = roots()
    if (known.pem !== pem) known = { pem, anchors: readCertificates(pem) }
    return known.anchors
  }
}

function read(cert: string, issuers: string): { leaf: Certificate; others: readonly Certificate[] } {
  try {
    return { leaf: readCertificate(cert), others: issuers === '' ? [] : readCertificates(issuers) }
  } catch (cause) {
    throw invalid('form', cause)
  }
}

const invalid = (why: string, cause?: unknown) =>
  new IdentityError(
    'UPSTREAM_INVALID_CERT',
    'zts answered with a certificate that is not the one asked for',
    { why },
    cause === undefined ? { retryAfterMs: COME_BACK_MS } : { cause, retryAfterMs: COME_BACK_MS },
  )
