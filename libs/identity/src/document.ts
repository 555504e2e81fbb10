/** The signed statement of a pod: what stands in the JWT that the agent hands to ZTS as attestation data. */

export const DOCUMENT_AUDIENCE = 'k8s-athenz-identity'
/** No document may claim to live longer than this, whoever signed it. */
export const DOCUMENT_MAX_LIFE_SECONDS = 15 * 60

/** Payload. Times are in seconds since the epoch. */
export interface DocumentClaims {
  readonly aud: typeof DOCUMENT_AUDIENCE
  /** URI of the signing key, the same as in the header. */
  readonly iss: string
  /** `formatSubject` of the pod. */
  readonly sub: string
  readonly iat: number
  readonly nbf: number
  readonly exp: number
  /** Unique: one use, and the correlation id from agent to callback. */
  readonly jti: string
  /** Name of the Node that the pod runs on, and that the agent spoke for. */
  readonly node: string
  /** UID of the pod. */
  readonly uid: string
}

/** Protected header: `kid` is ours, the URI in `iss` the original's way of naming the key. */
export interface DocumentHeader {
  readonly alg: 'ES256' | 'RS256'
  readonly typ: 'JWT'
  readonly kid: string
  readonly iss: string
}

export interface SigningKeyName {
  readonly name: string
  readonly version: number
}

const VERSIONED = /^([A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)\.v(0|[1-9]\d{0,8})$/

/** `<name>.v<N>`: file name of a signing key and `kid` of what it signs. Names are those of Kubernetes secrets. */
export const formatKeyId = ({ name, version }: SigningKeyName): string => `${name}.v${version}`

/** Undefined for anything that cannot be the name of such a file. */
export function parseKeyId(text: string): SigningKeyName | undefined {
  const [, name, version] = VERSIONED.exec(text) ?? []
  return name === undefined ? undefined : { name, version: Number(version) }
}

/** The version of the key called `name` that a file of this name holds; undefined for every other file. */
export function keyVersionIn(fileName: string, name: string): number | undefined {
  const key = parseKeyId(fileName)
  return key?.name === name ? key.version : undefined
}

/** `secret:<name>?version=v<N>`: the original's reference to a signing key. */
export const formatKeyUri = ({ name, version }: SigningKeyName): string => `secret:${name}?version=v${version}`

/** What Node says of a key, as far as it decides whether the key may sign documents. */
export interface KeyTraits {
  readonly asymmetricKeyType?: string
  readonly asymmetricKeyDetails?: { readonly namedCurve?: string; readonly modulusLength?: number }
}

const RSA_BITS = { min: 2_048, max: 8_192 }

/**
 * The one algorithm that a key signs documents with: P-256 or RSA of 2048 to 8192 bits; undefined for every other key.
 */
export function documentAlgorithmOf(key: KeyTraits): DocumentHeader['alg'] | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'ES256' : undefined
  const strong = modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max
  return key.asymmetricKeyType === 'rsa' && strong ? 'RS256' : undefined
}
