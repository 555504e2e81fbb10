/** What a failed ZTS call means for the pod: refused for good, or to be tried again (design.md 3, rule 8). */
import { IdentityError, kindOf, type ReasonCode, type ReasonKind } from '@pallas/identity'
import { ZtsError } from '@pallas/zts'

const COME_BACK_MS = 5_000

/** The callback's own reason goes on to the pod when ZTS passes it on. Errors of other kinds stay as they are. */
export function issuerError(cause: unknown): unknown {
  if (!(cause instanceof ZtsError)) return cause
  const { code, status, reason } = cause
  const detail = cleaned(cause.detail ?? '')
  const fields = { zts: code, status, detail }
  const said = (kind: ReasonKind) => (reason !== undefined && kindOf(reason) === kind ? reason : undefined)
  if (!cause.retryable) {
    return new IdentityError(said('denied') ?? 'ISSUER_DENIED', explanationOf(detail), fields, { cause })
  }
  const rest = { cause, retryAfterMs: cause.retryAfterMs ?? COME_BACK_MS }
  return new IdentityError(said('unavailable') ?? 'ISSUER_UNAVAILABLE', 'zts issues nothing now', fields, rest)
}

/**
 * What the pod's owner can do something about, in words of our own: the text of ZTS may quote addresses, names of others
 * and what proxies add to it, so that it goes to the log alone (spec/zts-recorded.md 4).
 */
const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [/not authorized to launch instances in Athenz/, 'zts refused the identity: it allows the provider no instances at all'],
  [/not authorized to launch/, 'zts refused the identity: the domain does not allow the provider to launch this service'],
  [/^Service not registered/, 'zts refused the identity: the service is not registered in its domain'],
  [/^Domain not found/, 'zts refused the identity: there is no such domain'],
  [/^CSR (validation failed|Subject)/, 'zts refused the identity: it does not allow the names'],
  [/^unable to verify attestation data/, 'zts refused the identity: the callback did not confirm the pod'],
]

const explanationOf = (detail: string): string =>
  EXPLANATIONS.find(([pattern]) => pattern.test(detail))?.[1] ?? 'zts refused the identity'

const LONGEST_DETAIL = 300

/** For the log: one line, and nothing in it that could be a key, a document or a certificate. */
const cleaned = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/[A-Za-z0-9+/_.=-]{80,}/g, '[long]')
    .slice(0, LONGEST_DETAIL)

/** Once more, with a new document, where the first has grown old on its way: a machine that slept denies nobody. */
export async function freshly<T>(certify: () => Promise<T>): Promise<T> {
  try {
    return await certify()
  } catch (error) {
    if (error instanceof ZtsError && error.reason !== undefined && OLD_DOCUMENT.has(error.reason)) return certify()
    throw error
  }
}

const OLD_DOCUMENT: ReadonlySet<ReasonCode> = new Set(['DOCUMENT_EXPIRED', 'DOCUMENT_REPLAYED'])
