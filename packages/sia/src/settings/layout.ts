/** Where everything lies that `athenz-sia` writes, as its settings say. */
import type { SettingsOf } from '@pallas/config'
import type { OutputPaths, RolePaths } from '@pallas/credentials'
import type { athenzSettings } from './settings-athenz.ts'
import type { fileSettings } from './settings-files.ts'
import { fileFor, nameOf, type Target } from './targets.ts'

export type TokenKind = 'access-token' | 'role-token'

export interface WantedToken {
  readonly kind: TokenKind
  readonly target: Target
  /** `<domain>:role.<role>`, or the domain. */
  readonly name: string
  /** Empty where it is kept in memory alone. */
  readonly path: string
}

/** The settings that say where files lie. */
export type LayoutSettings = SettingsOf<{
  name: string
  envPrefix: string
  summary: string
  schema: typeof fileSettings & typeof athenzSettings
}>

const STEM = '{{domain}}{{delimiter}}{{role}}'

export const outputPathsOf = (settings: LayoutSettings): OutputPaths => ({
  key: settings.outKey,
  cert: settings.outCert,
  caCert: settings.outCaCert,
  ntoken: settings.outNtoken,
  bundle: settings.outBundle,
  roles: rolePathsOf(settings),
})

function rolePathsOf(settings: LayoutSettings): RolePaths[] {
  const { rolecertDir, roleCertFilenameDelimiter: between, rolecertKeyFileOutput } = settings
  const cert = settings.roleCertNamingFormat ?? below(rolecertDir, '.cert.pem')
  const key = settings.roleCertKeyNamingFormat ?? (rolecertKeyFileOutput ? below(rolecertDir, '.key.pem') : undefined)
  if (cert === undefined) return []
  return settings.targetDomainRoles
    .filter(({ role }) => role !== undefined)
    .map((target) => ({
      name: nameOf(target),
      cert: fileFor(cert, target, between),
      ...(key === undefined ? {} : { key: fileFor(key, target, between) }),
    }))
}

export function wantedTokensOf(settings: LayoutSettings): WantedToken[] {
  const { tokenType, tokenDir, targetDomainRoles } = settings
  const kinds = [
    {
      kind: 'access-token',
      isWanted: tokenType.includes('accesstoken'),
      format: settings.accessTokenNamingFormat ?? below(tokenDir, '.accesstoken'),
      between: settings.accessTokenFilenameDelimiter,
    },
    {
      kind: 'role-token',
      isWanted: tokenType.includes('roletoken'),
      format: settings.roleTokenNamingFormat ?? below(tokenDir, '.roletoken'),
      between: settings.roleTokenFilenameDelimiter,
    },
  ] as const
  return kinds
    .filter(({ isWanted }) => isWanted)
    .flatMap(({ kind, format, between }) =>
      targetDomainRoles.map((target) => {
        const path = format === undefined ? '' : fileFor(format, target, between)
        return { kind, target, name: nameOf(target), path }
      }),
    )
}

const below = (directory: string, ending: string): string | undefined =>
  directory === '' ? undefined : `${directory.replace(/\/+$/, '')}/${STEM}${ending}`
