/** Signs what was decided; with a defect, when one is asked for. */
import type { Clock } from '@pallas/host'
import type { Csr } from '@pallas/x509'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import type { CertificateDefect } from './faults.ts'

export interface Issuer {
  readonly caPem: string
  /** For clients and servers, if nothing is said of its usage. `serial` is upper-case hex. */
  issue(csr: Csr, expiryMinutes: number, usage?: 'client'): Promise<IssuedCertificate>
}

export interface IssuedCertificate {
  readonly certPem: string
  readonly serial: string
}

export interface IssuerOptions {
  readonly ca: TestCa
  readonly clock: Pick<Clock, 'now'>
  readonly defect: () => CertificateDefect | undefined
}

const MINUTE = 60_000

export const createIssuer = ({ ca, clock, defect }: IssuerOptions): Issuer => ({
  caPem: ca.chainPem,
  async issue(csr, expiryMinutes, usage) {
    const signer = defect() === 'chain' ? await TestCa.create({ name: 'another ca' }) : ca
    const lifeMs = expiryMinutes * MINUTE
    const asked = { spki: csr.spki, subject: csr.subject, names: csr.names }
    const usages = usage === undefined ? {} : { usages: ['clientAuth'] as const }
    const life = { lifeMs, notBefore: clock.now(), ...usages }
    switch (defect()) {
      case 'names':
        return signer.sign({ ...asked, names: { ...csr.names, dns: ['somebody-else.test'] } }, life)
      case 'key':
        return signer.sign({ ...asked, spki: nodeKey().spki }, life)
      case 'expired':
        return signer.sign(asked, { ...life, notBefore: life.notBefore - lifeMs - MINUTE })
      case 'chain':
      case undefined:
        return signer.sign(asked, life)
    }
  },
})
