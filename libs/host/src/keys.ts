/** Keys, signatures and digests. Private keys are PKCS#8 PEM when they leave as text. */
export interface Keys {
  /** A new P-256 key. */
  generate(): Promise<PrivateKey>
  /**
   * PKCS#8, SEC1 or PKCS#1 PEM, not encrypted, of a P-256 key with both halves or an RSA key of 2048 to 4096 bits, whose
   * halves belong together; `HOST_BAD_KEY` otherwise, never echoing it. A home may take RSA up to 8192 bits, and an EC
   * key whose public half it computes.
   */
  import(pem: string): Promise<PrivateKey>
  /**
   * Whether `signature` over `data` was made by the key in `spki`; false for anything malformed, a key of another kind
   * than the scheme's, and RSA under 2048 bits.
   */
  verify(check: SignatureCheck): Promise<boolean>
  sha256(data: Uint8Array): Promise<Uint8Array>
  hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array>
  /** From the kernel's generator. */
  randomBytes(length: number): Uint8Array
}

export type KeyAlgorithm = 'ec-p256' | 'rsa'

export interface PrivateKey {
  readonly algorithm: KeyAlgorithm
  readonly pem: string
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** SHA-256 with ECDSA (DER `SEQUENCE { r, s }`) or RSASSA-PKCS1-v1_5. */
  sign(data: Uint8Array): Promise<Uint8Array>
}

export interface SignatureCheck {
  readonly scheme: 'ecdsa-sha256' | 'ecdsa-sha384' | 'rsa-sha256' | 'rsa-sha384' | 'rsa-sha512'
  /** DER SubjectPublicKeyInfo of the signer. */
  readonly spki: Uint8Array
  readonly data: Uint8Array
  readonly signature: Uint8Array
}
