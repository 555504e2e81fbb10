/** What is wanted, and how each of it stands: what health and metrics show. */
import type { Lifetime } from '@pallas/credentials'
import { IdentityError } from '@pallas/identity'
import type { Member, MemberKind } from '../companions.ts'

export interface Members {
  all(): readonly Member[]
  /** `paths` where not everything that is wanted was written. */
  renewed(kind: MemberKind, name: string, life: Lifetime, paths?: readonly string[]): void
  /** It is no longer there. */
  lost(kind: MemberKind, name: string): void
  failed(kind: MemberKind, name: string, error: unknown): void
  /** The service learns its name with its first certificate. */
  nameService(name: string): void
}

export type WantedMember = Pick<Member, 'kind' | 'name' | 'paths'>

export function createMembers(wanted: readonly WantedMember[]): Members {
  const members = wanted.map((it): Member => ({ ...it, life: undefined, problem: undefined }))
  const change = (kind: MemberKind, name: string | undefined, to: Partial<Member>) => {
    const at = members.findIndex((it) => it.kind === kind && (name === undefined || it.name === name))
    const member = members[at]
    if (member !== undefined) members[at] = { ...member, ...to }
  }
  return {
    all: () => [...members],
    renewed: (kind, name, { notBefore, notAfter }, paths) => {
      const written = paths === undefined ? {} : { paths }
      change(kind, name, { life: { notBefore, notAfter }, problem: undefined, ...written })
    },
    lost: (kind, name) => change(kind, name, { life: undefined }),
    failed: (kind, name, error) => {
      change(kind, name, { problem: error instanceof IdentityError ? error.code : 'INTERNAL' })
    },
    nameService: (name) => change('service-certificate', undefined, { name }),
  }
}
