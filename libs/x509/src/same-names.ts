/** Whether a CSR or a certificate carries exactly the names that it should: as sets, none twice, no other kinds. */
import type { AltNames } from './alt-names.ts'
import type { CsrNames } from './csr.ts'

export type NameField = 'subject' | 'dns' | 'ip' | 'uri' | 'other'

/** Undefined when equal, else the first field that differs. */
export function sameNames(
  names: AltNames & { readonly commonName: string | undefined },
  wanted: CsrNames,
): NameField | undefined {
  if (names.commonName !== wanted.commonName) return 'subject'
  if (!sameSet(names.dns, wanted.dns)) return 'dns'
  if (!sameSet(names.ip, wanted.ip)) return 'ip'
  if (!sameSet(names.uri, wanted.uri)) return 'uri'
  return names.other > 0 || !sameSet(names.email, wanted.email ?? []) ? 'other' : undefined
}

function sameSet(found: readonly string[], wanted: readonly string[]): boolean {
  const set = new Set(found)
  return set.size === found.length && found.length === wanted.length && wanted.every((name) => set.has(name))
}
