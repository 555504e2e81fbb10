/**
 * Certificate records: which serial of an instance is current, which is previous (`zts.md` 4.2, `zts-recorded.md` 5).
 *
 * The current and the previous certificate may refresh. Any other revokes the instance until it registers anew.
 */
import type { InstanceName } from '../../../zts.ts'
import { Refusal } from '../answer.ts'

export interface CertificateRecord {
  readonly current: string
  readonly previous: string
}

export interface CertificateRecords {
  /** A register overwrites whatever was there. */
  start(instance: InstanceName, serial: string): void
  /** The record to continue with `serial`; throws 403 for one that is unknown or revoked, and revokes where it must. */
  check(instance: InstanceName, serial: string): CertificateRecord
  /** Writes down the next serial over whatever was written since `from` was read, as the real one does. */
  advance(instance: InstanceName, from: CertificateRecord, serial: string): void
  forget(instance: InstanceName): void
  get(instance: InstanceName): CertificateRecord | undefined
}

const REVOKED = '-1'

export function createCertificateRecords(): CertificateRecords {
  const records = new Map<string, CertificateRecord>()
  return {
    start(instance, serial) {
      records.set(keyOf(instance), { current: serial, previous: serial })
    },
    check(instance, serial) {
      const record = records.get(keyOf(instance))
      if (record === undefined) throw new Refusal(403, 'Unable to find certificate record')
      if (serial === record.current) return { current: serial, previous: serial }
      if (serial === record.previous) return record
      records.set(keyOf(instance), { current: REVOKED, previous: REVOKED })
      throw new Refusal(403, 'Certificate revoked')
    },
    advance(instance, from, serial) {
      records.set(keyOf(instance), { ...from, current: serial })
    },
    forget(instance) {
      records.delete(keyOf(instance))
    },
    get: (instance) => records.get(keyOf(instance)),
  }
}

const keyOf = ({ provider, domain, service, instanceId }: InstanceName) =>
  [provider, `${domain}.${service}`, instanceId].join('\n')
