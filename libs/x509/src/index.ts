export type { AltNames } from './alt-names.ts'
export {
  type Certificate,
  CERTIFICATE_LABEL,
  type KeyUsage,
  readCertificate,
  readCertificates,
  sameBytes,
} from './certificate.ts'
export { type ChainCheck, checkChain } from './chain.ts'
export { createCsr, type Csr, CSR_LABEL, type CsrKey, type CsrNames, readCsr, verifyCsr } from './csr.ts'
export { X509Error, type X509ErrorCode } from './error.ts'
export type { NameLimits } from './name-constraints.ts'
export { OID } from './oid.ts'
export { fromPem, manyFromPem, toPem } from './pem.ts'
export { type NameField, sameNames } from './same-names.ts'
export type { Signed, SignatureScheme, Signer, Verify } from './signed.ts'
export { type SubjectAttribute, subjectBytes } from './subject.ts'
export { type AuthorityText, type CertificateText, writeCertificate } from './write-certificate.ts'
