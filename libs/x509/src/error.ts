/**
 * `X509_MALFORMED`: the bytes are not what they claim to be. `X509_UNSUPPORTED`: well formed, but of a kind not read
 * here. `X509_CHAIN`: no way from the certificate to a root. `X509_EXPIRED`: outside its time. `X509_NAMES`: a name
 * that cannot be written. `X509_KEY`: key and certificate do not belong together.
 */
export type X509ErrorCode =
  | 'X509_MALFORMED'
  | 'X509_UNSUPPORTED'
  | 'X509_CHAIN'
  | 'X509_EXPIRED'
  | 'X509_NAMES'
  | 'X509_KEY'

/** A CSR, certificate, chain or PEM text that is of no use. The message never holds what was read. */
export class X509Error extends Error {
  override readonly name = 'X509Error'
  readonly code: X509ErrorCode

  constructor(code: X509ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

export const malformed = (message: string, cause?: unknown): X509Error =>
  new X509Error('X509_MALFORMED', message, cause)
