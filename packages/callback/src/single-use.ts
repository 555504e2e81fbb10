/**
 * A document may be used once, wherever and whenever: the use is a Lease that only one request can create.
 *
 * The API server decides, so replicas and restarts of the callback need not know of each other. When it does not
 * answer nobody knows whether the Lease is there now: the request is told "not now", and the document counts as spent
 * (its agent gets another for each try). The Lease is named by the hash of the `jti`, which the signer chose.
 */
import { createHash } from 'node:crypto'
import type { DocumentClaims } from '@pallas/identity'
import { createLease, type KubeApi, orUnavailable } from '@pallas/kubernetes'
import type { Clock } from '@pallas/runtime'
import { DOCUMENT_LABELS } from './lease-labels.ts'
import { CLOCK_SKEW_SECONDS } from './verify-document.ts'

export interface SingleUseDeps {
  readonly api: Pick<KubeApi, 'create'>
  readonly namespace: string
  readonly clock: Pick<Clock, 'now'>
}

/** True for the first use, false for every other. Throws `API_UNAVAILABLE`. */
export type UseOnce = (document: Pick<DocumentClaims, 'jti' | 'exp'>, signal?: AbortSignal) => Promise<boolean>

export function createSingleUse({ api, namespace, clock }: SingleUseDeps): UseOnce {
  return async ({ jti, exp }, signal) => {
    const name = `athenz-document-${createHash('sha256').update(jti).digest('hex')}`
    // How long anyone could still take the document for valid; the janitor deletes the Lease after that.
    const durationSeconds = Math.max(1, Math.ceil(exp + CLOCK_SKEW_SECONDS - clock.now() / 1_000))
    const lease = { namespace, name, labels: DOCUMENT_LABELS, holder: 'athenz-callback', durationSeconds }
    return (await orUnavailable(createLease(api, lease, signal))) === 'created'
  }
}
