/**
 * The certificate on record of a pod, for a caller that holds its key and lost the answer: a write that failed, a
 * connection that broke, an init that is run again. Only while nothing can be issued: otherwise whoever asks is to get
 * a new one, and a life of its own for it.
 *
 * The record proves nothing by itself: what stands in it must be the pod's by its names now, for the key that the CSR
 * has just proved, unexpired, and lead to our roots, exactly as if ZTS had sent it this moment. Roots are those of now: a
 * bundle of then may hold one that was removed since.
 */
import { IdentityError, type Workload } from '@pallas/identity'
import type { VolumeContext } from '@pallas/wire'
import type { Certificate } from '@pallas/x509'
import type { CertificateCheck } from './certificate-check.ts'

export interface LastGood {
  readonly certPem: string
  readonly caPem: string
  readonly leaf: Certificate
}

export interface LastGoodFacts {
  readonly held: VolumeContext | undefined
  readonly workload: Workload
  readonly provider: string
  /** Of now: for a record that names no issuers, or some that are trusted no more. */
  readonly roots: string
  /** Public key that the caller has proved, DER. */
  readonly spki: Uint8Array
  readonly action: 'init' | 'refresh'
  readonly now: number
}

/** What has lived longer than this is renewed because it grows old, not because an answer was lost (design.md 3, 9). */
const LOST_WITHIN = 0.25

type Check = Pick<CertificateCheck, 'issued' | 'leadsByAllOf'>

export async function lastGood(facts: LastGoodFacts, check: Check): Promise<LastGood | undefined> {
  const { held, workload, provider, roots, spki, action, now } = facts
  if (held?.issued === undefined || held.instanceId !== workload.instanceId || held.provider !== provider) return undefined
  const { issued } = held
  const leaf = await leafOf(check.issued({ cert: issued.cert, issuers: issued.ca }, { names: workload.names, spki }))
  if (leaf === undefined || leaf.serial !== held.serial) return undefined
  const age = (now - leaf.notBefore) / (leaf.notAfter - leaf.notBefore)
  if (action === 'refresh' && age >= LOST_WITHIN) return undefined
  const isOfNow = issued.ca !== '' && (await check.leadsByAllOf(issued.ca, leaf))
  return { certPem: issued.cert, caPem: isOfNow ? issued.ca : roots, leaf }
}

async function leafOf(checking: Promise<Certificate>): Promise<Certificate | undefined> {
  try {
    return await checking
  } catch (error) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}

/** Whether what went wrong upstream is an outage: a denial stays one. */
export const isOutage = (error: unknown): error is IdentityError => error instanceof IdentityError && error.kind === 'unavailable'
