/** A certificate authority for tests and the sandbox, with keys of `node:crypto`. */
import { createPrivateKey, KeyObject, randomBytes } from 'node:crypto'
import { type AltNames, NO_NAMES } from '../alt-names.ts'
import { CERTIFICATE_LABEL, readCertificate, sameBytes } from '../certificate.ts'
import { readCsr } from '../csr.ts'
import { writeDer } from '../der.ts'
import { OID } from '../oid.ts'
import { toPem } from '../pem.ts'
import { type SubjectAttribute, writeSubject } from '../subject.ts'
import { type NodeKey, nodeKey, nodeKeyOf, spkiOf } from './node-keys.ts'
import { type TestText, writeTestCertificate } from './write-certificate.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const YEAR = 365 * DAY

export interface TestCaOptions {
  /** Common name. */
  readonly name?: string
  readonly algorithm?: 'ec-p256' | 'rsa'
  /** Epoch milliseconds at which this CA's clock stands still; by default it is the machine's. */
  readonly now?: number
  /** Makes an intermediate; without it the CA is a root. */
  readonly issuer?: TestCa
  readonly lifeMs?: number
  readonly pathLength?: number
}

export interface IssueOptions extends Partial<Omit<AltNames, 'other'>> {
  readonly commonName: string
  /** Organizational unit. */
  readonly ou?: string
  /** By default a day from a minute ago. */
  readonly lifeMs?: number
  readonly notBefore?: number
  /** A key object, or the DER of a public key; a new P-256 key otherwise. */
  readonly key?: KeyObject | Uint8Array
  readonly usages?: readonly ('clientAuth' | 'serverAuth')[]
  readonly isCa?: boolean
}

export interface Issued {
  readonly certPem: string
  /** PKCS#8; empty when only a public key was given. */
  readonly keyPem: string
  /** Upper-case hex. */
  readonly serial: string
}

/** What may be signed in place of a CSR. */
export interface Requested {
  readonly spki: Uint8Array
  readonly subject: readonly SubjectAttribute[]
  readonly names: AltNames
}

type SignOptions = Pick<IssueOptions, 'notBefore' | 'usages'> & { readonly lifeMs: number }

/** Who signs: a name and a key. */
interface Authority {
  readonly subject: Uint8Array
  readonly key: NodeKey
}

export class TestCa {
  readonly certPem: string
  /** This CA's certificate and those above it. */
  readonly chainPem: string
  readonly keyPem: string
  readonly #authority: Authority
  readonly #now: () => number

  private constructor(certPem: string, authority: Authority, now: () => number, issuer: TestCa | undefined) {
    this.certPem = certPem
    this.chainPem = certPem + (issuer?.chainPem ?? '')
    this.keyPem = authority.key.pem
    this.#authority = authority
    this.#now = now
  }

  static async create(options: TestCaOptions = {}): Promise<TestCa> {
    const { name = 'test ca', algorithm, now, issuer, lifeMs = 10 * YEAR, pathLength } = options
    const clock = now === undefined ? TestCa.#clockOf(issuer) : () => now
    const subject = [{ oid: OID.commonName, value: name }]
    const authority = { subject: writeDer(writeSubject(subject)), key: nodeKey(algorithm) }
    const limit = pathLength === undefined ? {} : { pathLength }
    const text = { spki: authority.key.spki, subject, names: NO_NAMES, isCa: true, usages: [], ...limit }
    const signer = issuer === undefined ? authority : issuer.#authority
    const { certPem } = await issueBy(signer, text, { lifeMs, notBefore: clock() - HOUR })
    return new TestCa(certPem, authority, clock, issuer)
  }

  /** The root that `create` made elsewhere. Throws `TypeError` when the key is not that of the certificate. */
  static open({ certPem, keyPem }: Pick<TestCa, 'certPem' | 'keyPem'>): TestCa {
    const { subjectDer, spki } = readCertificate(certPem)
    const key = nodeKeyOf(createPrivateKey(keyPem))
    if (!sameBytes(key.spki, spki)) throw new TypeError('the key is not that of the certificate')
    return new TestCa(certPem, { subject: subjectDer, key }, () => Date.now(), undefined)
  }

  static #clockOf(issuer: TestCa | undefined): () => number {
    return issuer === undefined ? () => Date.now() : issuer.#now
  }

  async issue(options: IssueOptions): Promise<Issued> {
    const { commonName, ou, lifeMs = DAY, notBefore = this.#now() - 60_000 } = options
    const { dns = [], ip = [], uri = [], email = [], usages = ['clientAuth', 'serverAuth'], isCa = false } = options
    const { spki, keyPem } = keyOf(options.key ?? nodeKey().object)
    const units = ou === undefined ? [] : [{ oid: OID.organizationalUnit, value: ou }]
    const subject = [...units, { oid: OID.commonName, value: commonName }]
    const text = { spki, subject, names: { dns, ip, uri, email, other: 0 }, isCa, usages }
    return { keyPem, ...(await issueBy(this.#authority, text, { lifeMs, notBefore })) }
  }

  /** Signs what a CSR asks for: subject and names are copied, nothing is judged, not even the CSR's own signature. */
  async sign(
    request: string | Requested,
    { lifeMs, notBefore = this.#now(), usages = ['clientAuth', 'serverAuth'] }: SignOptions,
  ): Promise<Pick<Issued, 'certPem' | 'serial'>> {
    const { spki, subject, names } = typeof request === 'string' ? readCsr(request) : request
    const text = { spki, subject, names, isCa: false, usages }
    return issueBy(this.#authority, text, { lifeMs, notBefore })
  }
}

type Text = Omit<TestText, 'serial' | 'issuer' | 'issuerSpki' | 'notBefore' | 'notAfter'>

interface Life {
  readonly lifeMs: number
  readonly notBefore: number
}

async function issueBy({ subject, key }: Authority, text: Text, { lifeMs, notBefore }: Life) {
  const serial = randomBytes(20)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const issuer = { issuer: subject, issuerSpki: key.spki }
  const der = await writeTestCertificate({ ...text, ...issuer, serial, notBefore, notAfter: notBefore + lifeMs }, key)
  return { certPem: toPem(CERTIFICATE_LABEL, der), serial: serial.toString('hex').toUpperCase() }
}

function keyOf(key: KeyObject | Uint8Array): { readonly spki: Uint8Array; readonly keyPem: string } {
  if (key instanceof Uint8Array) return { spki: key, keyPem: '' }
  return { spki: spkiOf(key), keyPem: key.type === 'private' ? nodeKeyOf(key).pem : '' }
}
