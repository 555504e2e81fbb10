/** Whether what was answered, or lies on disk, is one working identity: key ↔ certificate ↔ chain ↔ names ↔ time. */
import type { CredentialSet } from '@pallas/credentials'
import { IdentityError, type WorkloadNames } from '@pallas/identity'
import {
  type Certificate,
  type ChainCheck,
  checkChain,
  readCertificates,
  sameBytes,
  sameNames,
  type Verify,
  X509Error,
} from '@pallas/x509'

/** How far this machine's clock may lag behind the issuer's. */
const SKEW_MS = 5 * 60_000

/** A set and what must be true of it, wherever it lies. */
export interface Identity {
  /**
   * Certificate: leaf first; what follows may lead to a root and is never one. An empty CA is one that is not known: then
   * no chain is judged.
   */
  readonly set: CredentialSet
  /** DER SubjectPublicKeyInfo of the private key. */
  readonly spki: Uint8Array
  /** Undefined where this program cannot know them. */
  readonly names?: WorkloadNames | undefined
  /** PEM of those who are trusted to have issued it; by default the authority of the set. */
  readonly roots?: string | undefined
}

/** One that was checked. */
export interface CheckedIdentity extends Identity {
  readonly leaf: Certificate
}

export interface CheckDeps {
  /** Epoch milliseconds. */
  readonly now: number
  readonly verify: Verify
}

/** Resolves with the leaf. Throws `UPSTREAM_INVALID_CERT`, with the part that is wrong in its fields. */
export async function checkIdentity({ set, spki, names, roots = set.caPem }: Identity, { now, verify }: CheckDeps): Promise<Certificate> {
  const [leaf, ...chain] = readAll(set.certPem, 'certificate')
  if (leaf === undefined) throw invalid('there is no certificate', 'certificate')
  if (!sameBytes(leaf.spki, spki)) throw invalid('the certificate is for another key', 'key')
  const differs = names === undefined ? undefined : sameNames({ ...leaf.names, commonName: leaf.commonName }, names)
  if (differs !== undefined) throw invalid('the names are not those asked for', differs)

  const at = leaf.notBefore > now && leaf.notBefore <= now + SKEW_MS ? leaf.notBefore : now
  if (at < leaf.notBefore || at >= leaf.notAfter) throw invalid('the certificate is outside its time', 'time')

  const ca = set.caPem === '' ? [] : readAll(set.caPem, 'ca')
  if (roots === '') return leaf
  const way = { leaf, anchors: roots === set.caPem ? ca : readAll(roots, 'ca'), intermediates: [...chain, ...ca], verify: eachOnce(verify) }
  // Nothing on the way may end before the leaf does: readers would lose it without notice.
  for (const now of [at, leaf.notAfter]) await checkWay({ ...way, now })
  return leaf
}

/** The same signature is not verified for each moment. */
function eachOnce(verify: Verify): Verify {
  const asked: { readonly of: Parameters<Verify>[0]; readonly answer: Promise<boolean> }[] = []
  return (of) => {
    const known = asked.find((it) => (['scheme', 'data', 'signature', 'spki'] as const).every((part) => it.of[part] === of[part]))
    const answer = known?.answer ?? verify(of)
    if (known === undefined) asked.push({ of, answer })
    return answer
  }
}

async function checkWay(way: ChainCheck): Promise<void> {
  try {
    await checkChain(way)
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw invalid('the chain does not hold', cause.code === 'X509_EXPIRED' ? 'time' : 'chain', cause)
  }
}

function readAll(pem: string, part: string): Certificate[] {
  try {
    return readCertificates(pem)
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw invalid('a certificate cannot be read', part, cause)
  }
}

const invalid = (message: string, part: string, cause?: unknown) =>
  new IdentityError('UPSTREAM_INVALID_CERT', message, { part }, cause === undefined ? {} : { cause })
