/** Which files a set of credentials becomes. */

/** One file to publish. `path` is absolute. */
export interface OutputFile {
  readonly path: string
  readonly content: string | Uint8Array
  /** Whether only the owner (and an fsGroup) may read it. */
  readonly secret: boolean
}

/** What was issued, as PEM text; the N-token is a bearer token and as secret as a key. */
export interface CredentialSet {
  readonly keyPem: string
  readonly certPem: string
  readonly caPem: string
  readonly ntoken?: string
}

/** Absolute paths; an empty or missing one is a file not wanted. */
export interface OutputPaths {
  readonly key?: string
  readonly cert?: string
  readonly caCert?: string
  readonly ntoken?: string
  /** Key, certificate and CA certificates in one file: whoever opens it reads one set, whatever happens meanwhile. */
  readonly bundle?: string
}

/** The files of a set; what is empty, such as a CA that the issuer did not send, has no file. */
export function outputFiles(set: CredentialSet, paths: OutputPaths): OutputFile[] {
  return [
    ...file(paths.key, set.keyPem, true),
    ...file(paths.cert, set.certPem, false),
    ...file(paths.caCert, set.caPem, false),
    ...file(paths.ntoken, set.ntoken ?? '', true),
    ...file(paths.bundle, bundleOf(set), true),
  ]
}

const file = (path: string | undefined, content: string, secret: boolean): OutputFile[] =>
  path === undefined || path === '' || content === '' ? [] : [{ path, content, secret }]

/** Key, certificate, CA certificates, in this order, each ending its line. */
export const bundleOf = ({ keyPem, certPem, caPem }: CredentialSet): string =>
  [keyPem, certPem, caPem].map((pem) => (pem === '' || pem.endsWith('\n') ? pem : `${pem}\n`)).join('')
