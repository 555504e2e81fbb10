/** What happens to what is wanted, told to whoever shows it or acts on it. */
import { allOf, type Lifetime, outputFiles } from '@pallas/credentials'
import type { Companions, Member, MemberKind } from '../companions.ts'
import { outputPathsOf, type WantedToken, wantedTokensOf } from '../settings/layout.ts'
import { createMembers } from './members.ts'
import type { Published } from '../output/output.ts'
import type { SiaSettings } from '../settings/settings.ts'

export interface Report {
  readonly members: () => readonly Member[]
  /** From now on. */
  tell(companions: Companions): void
  readonly setPublished: (published: Published, isNew: boolean) => void
  readonly setFailed: (error: unknown, role?: string) => void
  readonly tokenRenewed: (token: WantedToken, life: Lifetime, isNew: boolean) => void
  readonly tokenFailed: (token: WantedToken, error: unknown) => void
}

export function createReport(settings: SiaSettings): Report {
  const paths = outputPathsOf(settings)
  const { key, cert, caCert = '', ntoken = '', bundle = '', roles = [] } = paths
  const ofSet = [...allOf(key), ...allOf(cert), caCert, ntoken, bundle].filter((path) => path !== '')
  const members = createMembers([
    { kind: 'service-certificate', name: '', paths: ofSet },
    ...roles.map((it) => ({
      kind: 'role-certificate' as const,
      name: it.name,
      paths: it.key === undefined ? [it.cert] : [it.cert, it.key],
    })),
    ...wantedTokensOf(settings).map(({ kind, name, path }) => ({ kind, name, paths: path === '' ? [] : [path] })),
  ])
  let companions: Companions | undefined
  let service = ''
  const failed = (kind: MemberKind, name: string, error: unknown) => {
    members.failed(kind, name, error)
    companions?.failed({ kind, name, error })
  }
  return {
    members: () => members.all(),
    tell: (to) => {
      companions = to
    },
    setPublished: ({ leaf, set, roles: leaves }, isNew) => {
      service = leaf.commonName ?? ''
      members.nameService(service)
      const written = outputFiles({ ...set, roles: [] }, paths).map(({ path }) => path)
      members.renewed('service-certificate', service, leaf, written)
      for (const { name } of roles) {
        const role = leaves.get(name)
        if (role === undefined) members.lost('role-certificate', name)
        else members.renewed('role-certificate', name, role)
      }
      if (!isNew) return
      const named = [...leaves.keys()].map((name) => ({ kind: 'role-certificate' as const, name }))
      companions?.published({
        members: [{ kind: 'service-certificate', name: service }, ...named],
        paths: outputFiles(set, paths).map(({ path }) => path),
      })
    },
    setFailed: (error, role) => {
      if (role === undefined) failed('service-certificate', service, error)
      else failed('role-certificate', role, error)
    },
    tokenRenewed: ({ kind, name, path }, life, isNew) => {
      members.renewed(kind, name, life)
      if (isNew && path !== '') companions?.published({ members: [{ kind, name }], paths: [path] })
    },
    tokenFailed: ({ kind, name }, error) => failed(kind, name, error),
  }
}
