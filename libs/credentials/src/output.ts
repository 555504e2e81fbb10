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
  /** For the key of the set. */
  readonly roles?: readonly RoleCertificate[]
}

export interface RoleCertificate {
  /** `<domain>:role.<role>`. */
  readonly name: string
  /** The leaf first. */
  readonly certPem: string
}

/** Absolute paths; an empty or missing one is a file not wanted. Where there are several, each holds the same. */
export interface OutputPaths {
  readonly key?: string | readonly string[]
  readonly cert?: string | readonly string[]
  readonly caCert?: string
  readonly ntoken?: string
  /** Key, certificate and CA certificates in one file: whoever opens it reads one set, whatever happens meanwhile. */
  readonly bundle?: string
  readonly roles?: readonly RolePaths[]
}

export interface RolePaths {
  /** As of the certificate. */
  readonly name: string
  readonly cert: string
  /** A copy of the key of the set. */
  readonly key?: string
}

/**
 * The files of a set; what is empty, such as a CA that the issuer did not send, has no file. Keys come first: the
 * directories that hold them are made current before those that hold certificates alone.
 */
export function outputFiles(set: CredentialSet, paths: OutputPaths): OutputFile[] {
  const roles = (paths.roles ?? []).map((it) => ({ ...it, certPem: certificateFor(it.name, set) }))
  return [
    ...allOf(paths.key).flatMap((path) => file(path, set.keyPem, true)),
    ...roles.flatMap(({ key, certPem }) => (certPem === '' ? [] : file(key, set.keyPem, true))),
    ...file(paths.bundle, bundleOf(set), true),
    ...file(paths.caCert, set.caPem, false),
    ...allOf(paths.cert).flatMap((path) => file(path, set.certPem, false)),
    ...roles.flatMap(({ cert, certPem }) => file(cert, certPem, false)),
    ...file(paths.ntoken, set.ntoken ?? '', true),
  ]
}

/** One path, several or none as a list. */
export const allOf = (paths: string | readonly string[] | undefined): readonly string[] =>
  paths === undefined || paths === '' ? [] : typeof paths === 'string' ? [paths] : paths

const certificateFor = (name: string, { roles = [] }: CredentialSet): string =>
  roles.find((role) => role.name === name)?.certPem ?? ''

const file = (path: string | undefined, content: string, secret: boolean): OutputFile[] =>
  path === undefined || path === '' || content === '' ? [] : [{ path, content, secret }]

/** Key, certificate, CA certificates, in this order, each ending its line. */
export const bundleOf = ({ keyPem, certPem, caPem }: CredentialSet): string =>
  [keyPem, certPem, caPem].map((pem) => (pem === '' || pem.endsWith('\n') ? pem : `${pem}\n`)).join('')
