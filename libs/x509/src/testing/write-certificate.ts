/** Certificates of `TestCa`: the library's own writer, with key ids made of the keys. */
import { createHash } from 'node:crypto'
import type { Signer } from '../signed.ts'
import { type CertificateText, writeCertificate } from '../write-certificate.ts'

export interface TestText extends Omit<CertificateText, 'issuerKeyId' | 'authority'> {
  readonly issuerSpki: Uint8Array
  readonly isCa: boolean
  readonly pathLength?: number
}

export function writeTestCertificate(text: TestText, signer: Signer): Promise<Uint8Array<ArrayBuffer>> {
  const { issuerSpki, isCa, pathLength, ...rest } = text
  const limit = pathLength === undefined ? {} : { pathLength }
  const authority = isCa ? { authority: { keyId: keyId(text.spki), ...limit } } : {}
  // An authority of tests signs for any purpose.
  const usages = isCa ? [] : text.usages
  return writeCertificate({ ...rest, usages, issuerKeyId: keyId(issuerSpki), ...authority }, signer)
}

const keyId = (spki: Uint8Array) => createHash('sha256').update(spki).digest().subarray(0, 20)
