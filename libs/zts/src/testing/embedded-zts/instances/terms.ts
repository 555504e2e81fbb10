/** What a provider's attributes say about the certificate, and how long it lives (`zts.md` 5.4, recorded 5). */

export interface Terms {
  readonly expiryMinutes: number
  readonly refreshable: boolean
  readonly subjectOu: string | undefined
  /** What is not honoured goes to the client, as it is. */
  readonly passedOn: Readonly<Record<string, string>>
}

const HONOURED: ReadonlySet<string> = new Set([
  'certUsage',
  'certExpiryTime',
  'certRefresh',
  'certSubjectOU',
  'certSSH',
  'instancePrivateIp',
  'attestedSshCertPrincipals',
])

export function termsOf(attributes: ReadonlyMap<string, string>): Terms {
  const expiry = attributes.get('certExpiryTime') ?? ''
  return {
    expiryMinutes: /^\d{1,9}$/.test(expiry) ? Number(expiry) : 0,
    refreshable: (attributes.get('certRefresh') ?? 'true').toLowerCase() === 'true',
    subjectOu: attributes.get('certSubjectOU'),
    passedOn: Object.fromEntries([...attributes].filter(([key]) => !HONOURED.has(key))),
  }
}

const DEFAULT_MINUTES = 43_200

/** Zero and less stand for no wish; the least of the wishes is taken, and the domain's cap holds in any case. */
export function lifeMinutes(wishes: readonly number[], domainCap: number | undefined): number {
  const stated = wishes.filter((minutes) => minutes > 0)
  const wished = stated.length === 0 ? DEFAULT_MINUTES : Math.min(...stated)
  return domainCap === undefined || domainCap <= 0 ? wished : Math.min(wished, domainCap)
}
