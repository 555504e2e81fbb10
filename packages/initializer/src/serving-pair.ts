/** A key and a certificate to serve with, under an authority that exists for them alone: its own key is gone once it has signed. */
import { generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { CERTIFICATE_LABEL, type CertificateText, OID, type Signer, subjectBytes, toPem, writeCertificate } from '@pallas/x509'

export interface ServingPair {
  /** PEM of the one that callers must trust. */
  readonly authority: string
  /** PEM, of the certificate that is served. */
  readonly key: string
  readonly cert: string
  /** Upper-case hex, of that certificate. */
  readonly serial: string
  /** Epoch milliseconds. */
  readonly madeAt: number
  readonly notAfter: number
}

export interface ServingPairOptions {
  /** DNS names and IP addresses by which the API server calls. */
  readonly names: readonly string[]
  /** Which replica it is. */
  readonly pod: string
  readonly lifeMs: number
  /** Epoch milliseconds. */
  readonly now: number
}

/** The unit of every such authority, by which they know each other. */
export const UNIT = 'athenz-initializer'

/** How far the clock of an API server may differ from that of a replica that serves: as far as Kerberos and others let clocks differ. */
export const SKEW_MS = 5 * 60_000

/** A replica that is just about to be found too fast is believed nevertheless. */
export const BACKDATED_MS = 2 * SKEW_MS

export async function makeServingPair({ names, pod, lifeMs, now }: ServingPairOptions): Promise<ServingPair> {
  const limits = { dns: names.filter((name) => isIP(name) === 0), ip: names.filter((name) => isIP(name) > 0) }
  const [above, own] = await Promise.all([newKey(), newKey()])
  const [authoritySerial, serial] = [newSerial(), newSerial()]
  const subject = [
    { oid: OID.organizationalUnit, value: UNIT },
    { oid: OID.commonName, value: `${shortNameOf(pod)}.${authoritySerial.toString('hex').slice(0, 8)}` },
  ]
  const common = {
    issuer: subjectBytes(subject),
    issuerKeyId: authoritySerial,
    notBefore: now - BACKDATED_MS,
    notAfter: now + lifeMs,
    usages: ['serverAuth'],
  } satisfies Partial<CertificateText>
  const authority = { keyId: authoritySerial, pathLength: 0, only: limits }
  const none = { dns: [], ip: [], uri: [], email: [], other: 0 }
  const leaf = [{ oid: OID.commonName, value: UNIT }]
  const signer = signerOf(above.privateKey)
  const [ca, cert] = await Promise.all([
    writeCertificate({ ...common, serial: authoritySerial, subject, spki: spkiOf(above.publicKey), names: none, authority }, signer),
    writeCertificate({ ...common, serial, subject: leaf, spki: spkiOf(own.publicKey), names: { ...none, ...limits } }, signer),
  ])
  return {
    authority: toPem(CERTIFICATE_LABEL, ca),
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: toPem(CERTIFICATE_LABEL, cert),
    serial: serial.toString('hex').toUpperCase(),
    madeAt: now,
    notAfter: now + lifeMs,
  }
}

/** As it stands in a common name, of which 64 characters are the most: the end tells pods of one owner apart. */
export const shortNameOf = (pod: string): string => pod.slice(-50)

const newKey = () => promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })

/** Positive, without leading zeros. */
function newSerial(): Buffer {
  const serial = randomBytes(20)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

const signerOf = (key: KeyObject): Signer => ({ algorithm: 'ec-p256', sign: async (data) => sign('sha256', data, key) })

const spkiOf = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' })
