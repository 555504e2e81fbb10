/**
 * The least of a certificate authority that the contract's TLS servers need; it knows nothing of our own X.509 code.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Pair {
  readonly keyPem: string
  readonly certPem: string
}

export interface LeafOptions {
  readonly commonName: string
  readonly dns?: readonly string[]
  /** IPv4. */
  readonly ip?: readonly string[]
  /** Epoch milliseconds; an hour from now by default. */
  readonly notAfter?: number
}

export interface CaOptions {
  /** `null`: it does not say whether it is an authority. True by default. */
  readonly isCa?: boolean | null
  readonly pathLength?: number
  /** The first byte of its key usage; none by default. */
  readonly usage?: number
  /** Epoch milliseconds; an hour from now by default. */
  readonly notAfter?: number
}

export interface SmallCa {
  readonly certPem: string
  issue(leaf: LeafOptions): Pair
  /** An authority below this one. */
  subordinate(name: string, options?: CaOptions): SmallCa
}

const HOUR = 3_600_000
const OID = {
  ecdsaSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  basicConstraints: '0603551d13',
  keyUsage: '0603551d0f',
  altName: '0603551d11',
}

export function smallCa(name: string, options: CaOptions = {}): SmallCa {
  const key = newKey()
  return authority(name, key, authorityCertificate({ name, key, issuer: name, signWith: key }, options))
}

interface Authority {
  readonly name: string
  readonly key: KeyObject
  readonly issuer: string
  readonly signWith: KeyObject
}

function authorityCertificate({ name, key, issuer, signWith }: Authority, { isCa = true, pathLength, usage, notAfter }: CaOptions): string {
  const extensions = [
    ...(isCa === null ? [] : [caConstraints(isCa, pathLength)]),
    ...(usage === undefined ? [] : [extension(OID.keyUsage, der(0x03, Buffer.from([1, usage])))]),
  ]
  return certificate({ issuer, subject: name, spki: spkiOf(key), extensions, signWith, notAfter })
}

function authority(name: string, key: KeyObject, certPem: string): SmallCa {
  return {
    certPem,
    subordinate: (below, options = {}) => {
      const own = newKey()
      return authority(below, own, authorityCertificate({ name: below, key: own, issuer: name, signWith: key }, options))
    },
    issue: ({ commonName, dns = [], ip = [], notAfter }) => {
      const own = newKey()
      const names = [...dns.map((each) => der(0x82, Buffer.from(each))), ...ip.map((each) => der(0x87, ipv4(each)))]
      const extensions = names.length === 0 ? [] : [extension(OID.altName, der(0x30, ...names))]
      return {
        keyPem: own.export({ type: 'pkcs8', format: 'pem' }),
        certPem: certificate({ issuer: name, subject: commonName, spki: spkiOf(own), extensions, signWith: key, notAfter }),
      }
    },
  }
}

interface Contents {
  readonly issuer: string
  readonly subject: string
  readonly spki: Buffer
  readonly extensions: readonly Buffer[]
  readonly signWith: KeyObject
  readonly notAfter?: number | undefined
}

function certificate({ issuer, subject, spki, extensions, signWith, notAfter = Date.now() + HOUR }: Contents): string {
  const algorithm = der(0x30, hex(OID.ecdsaSha256))
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(issuer),
    der(0x30, time(notAfter - 48 * HOUR), time(notAfter)),
    nameOf(subject),
    spki,
    ...(extensions.length === 0 ? [] : [der(0xa3, der(0x30, ...extensions))]),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', tbs, signWith))
  const text = der(0x30, tbs, algorithm, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

const caConstraints = (isCa: boolean, pathLength?: number) =>
  extension(
    OID.basicConstraints,
    der(0x30, ...(isCa ? [der(0x01, Buffer.from([0xff]))] : []), ...(pathLength === undefined ? [] : [der(0x02, Buffer.from([pathLength]))])),
  )

const extension = (oid: string, value: Buffer) => der(0x30, hex(oid), der(0x04, value))

const nameOf = (commonName: string) =>
  der(0x30, der(0x31, der(0x30, hex(OID.commonName), der(0x0c, Buffer.from(commonName)))))

const time = (at: number) =>
  der(0x18, Buffer.from(new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '')))

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const spkiOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'der' })

const ipv4 = (text: string) => Buffer.from(text.split('.').map(Number))

const hex = (text: string) => Buffer.from(text, 'hex')

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = hex(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'))
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}
