/** How the callback's leases are told from those of others, and from each other. */
const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'athenz-callback' } as const
const KIND = 'athenz.io/record'

export const DOCUMENT_LABELS = { ...MANAGED_BY, [KIND]: 'document' } as const
export const INSTANCE_LABELS = { ...MANAGED_BY, [KIND]: 'instance' } as const

export const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
