/** Signatures over CSRs and certificates: which algorithm, over which bytes, by which key. */
import { type Der, writeDer } from './der.ts'
import { malformed } from './error.ts'
import { OID, oid, oidOf } from './oid.ts'
import { bits, nothing, partsOf, sequence, TAG, wholeBitsOf } from './values.ts'

export type SignatureScheme = 'ecdsa-sha256' | 'ecdsa-sha384' | 'rsa-sha256' | 'rsa-sha384' | 'rsa-sha512'

/** Whether `signature` over `data` was made by the key in `spki` (DER); false for anything malformed. */
export type Verify = (check: {
  readonly scheme: SignatureScheme
  readonly spki: Uint8Array
  readonly data: Uint8Array
  readonly signature: Uint8Array
}) => Promise<boolean>

/** SHA-256 with ECDSA (DER) or RSASSA-PKCS1-v1_5. */
export interface Signer {
  readonly algorithm: 'ec-p256' | 'rsa'
  sign(data: Uint8Array): Promise<Uint8Array>
}

export interface Signed {
  /** The bytes that the signature covers. */
  readonly tbs: Uint8Array
  readonly signature: Uint8Array
  readonly algorithmOid: string
}

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  [OID.ecdsaSha256]: 'ecdsa-sha256',
  [OID.ecdsaSha384]: 'ecdsa-sha384',
  [OID.rsaSha256]: 'rsa-sha256',
  [OID.rsaSha384]: 'rsa-sha384',
  [OID.rsaSha512]: 'rsa-sha512',
}

/** AlgorithmIdentifier of what a `Signer` makes. */
export const algorithmOf = ({ algorithm }: Signer): Der =>
  algorithm === 'rsa' ? sequence(oid(OID.rsaSha256), nothing) : sequence(oid(OID.ecdsaSha256))

export async function writeSigned(tbs: Der, signer: Signer): Promise<Uint8Array<ArrayBuffer>> {
  return writeDer(sequence(tbs, algorithmOf(signer), bits(await signer.sign(writeDer(tbs)))))
}

/** The three parts of anything signed; the algorithm is only named here, not judged. */
export function readSigned(der: Der): { readonly tbs: Der; readonly algorithm: Der; readonly signed: Signed } {
  const [tbs, algorithm, signature, ...more] = partsOf(der, TAG.sequence)
  if (tbs === undefined || algorithm === undefined || more.length > 0) throw malformed('not three signed parts')
  const algorithmOid = oidOf(partsOf(algorithm, TAG.sequence)[0])
  return { tbs, algorithm, signed: { tbs: writeDer(tbs), signature: wholeBitsOf(signature), algorithmOid } }
}

/** False too for an algorithm outside the short list: SHA-1, MD5 and PSS among them. */
export async function verifySigned(signed: Signed, spki: Uint8Array, verify: Verify): Promise<boolean> {
  const scheme = Object.hasOwn(SCHEMES, signed.algorithmOid) ? SCHEMES[signed.algorithmOid] : undefined
  return scheme !== undefined && (await verify({ scheme, spki, data: signed.tbs, signature: signed.signature }))
}
