/** From a leaf certificate to a root: who signed whom, and whether all of it counts now. */
import { type Certificate, sameBytes } from './certificate.ts'
import { X509Error } from './error.ts'
import { type Verify, verifySigned } from './signed.ts'

export interface ChainCheck {
  readonly leaf: Certificate
  /** From whom trust comes, in any order: whoever is self-signed in here is trusted, the rest may lead there. */
  readonly anchors: readonly Certificate[]
  /** What others sent along: it may lengthen the way, never end it. Whoever is self-signed in here counts for nothing. */
  readonly intermediates?: readonly Certificate[]
  /** Epoch milliseconds. */
  readonly now: number
  readonly verify: Verify
  /** How far in the future the leaf's `notBefore` may lie, for a clock that lags behind the issuer's. 0 by default. */
  readonly skewMs?: number
}

const MAX_CAS = 4
/** So that many CAs of one name cannot make us compute for ever. */
const MAX_VERIFICATIONS = 32

/**
 * Resolves when signatures lead from the leaf, which must not be a CA, over CAs to a self-signed CA of the anchors, all
 * of them within their time. Throws `X509_EXPIRED` when the leaf or every such way is outside its time, else
 * `X509_CHAIN`.
 */
export async function checkChain({ leaf, anchors, intermediates = [], now, verify, skewMs = 0 }: ChainCheck): Promise<void> {
  if (now > leaf.notAfter) throw expired('the certificate has expired')
  if (now < leaf.notBefore - skewMs) throw expired('the certificate is not valid yet')
  if (leaf.isCa) throw broken('the certificate is one of a ca')
  if (leaf.unknownCritical.length > 0) throw broken('the certificate has a critical extension unknown here')
  // Anchors first, so that strangers cannot use up the signatures.
  const cas = [...anchors, ...intermediates].filter(mayIssue)
  const walk: Walk = { cas, anchors: new Set(anchors), now, verify, left: MAX_VERIFICATIONS, sawExpired: false }
  if (await leadsToRoot(leaf, 0, walk)) return
  throw walk.sawExpired ? expired('a certificate of a ca has expired') : broken('no way to a root that is trusted')
}

interface Walk {
  readonly cas: readonly Certificate[]
  readonly anchors: ReadonlySet<Certificate>
  readonly now: number
  readonly verify: Verify
  left: number
  sawExpired: boolean
}

/** `below`: how many CAs the way has passed so far. */
async function leadsToRoot(child: Certificate, below: number, walk: Walk): Promise<boolean> {
  for (const ca of walk.cas) {
    if (below >= MAX_CAS || !sameBytes(ca.subjectDer, child.issuer) || below > (ca.pathLength ?? MAX_CAS)) continue
    if (!(await signedBy(child, ca, walk))) continue
    if (walk.now < ca.notBefore || walk.now > ca.notAfter) walk.sawExpired = true
    else if (await isSelfSigned(ca, walk)) {
      if (walk.anchors.has(ca)) return true
    } else if (await leadsToRoot(ca, below + 1, walk)) return true
  }
  return false
}

const isSelfSigned = async (ca: Certificate, walk: Walk): Promise<boolean> =>
  sameBytes(ca.subjectDer, ca.issuer) && (await signedBy(ca, ca, walk))

async function signedBy(child: Certificate, ca: Certificate, walk: Walk): Promise<boolean> {
  if (walk.left === 0) throw broken('too many signatures to check')
  walk.left--
  return verifySigned(child.signed, ca.spki, walk.verify)
}

const mayIssue = ({ isCa, keyUsage, unknownCritical }: Certificate): boolean =>
  isCa && (keyUsage?.includes('keyCertSign') ?? true) && unknownCritical.length === 0

const broken = (message: string) => new X509Error('X509_CHAIN', message)
const expired = (message: string) => new X509Error('X509_EXPIRED', message)
