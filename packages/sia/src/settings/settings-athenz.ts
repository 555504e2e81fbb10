/** What `athenz-sia` can be told about what it asks of ZTS itself: role certificates and tokens, and their files. */
import {
  duration,
  fail,
  flag,
  type Kind,
  list,
  oneOf,
  setting,
  type SettingsOf,
  url,
} from '@pallas/config'
import { pathOrNothing } from './settings-common.ts'
import { delimiter, isCompoundName, namingFormat, target } from './targets.ts'

const bundleName: Kind<string> = {
  label: 'name',
  parse: (it) => (isCompoundName(it) ? it : fail('must be the name of a bundle')),
}

/** ZTS gives seconds. */
const wholeSeconds: Kind<number> = {
  label: 'duration, whole seconds',
  parse: (it) => {
    const ms = duration().parse(it)
    return ms % 1_000 === 0 ? ms : fail('must be whole seconds')
  },
}

export const athenzSettings = {
  ztsEndpoint: setting(url({ protocols: ['https'] }), {
    doc: 'Base URL of ZTS with its version path, `https://…/zts/v1`; `--endpoint` may name it instead.',
  }),
  serverCaCert: setting(pathOrNothing, {
    default: '',
    env: 'SERVER_CA_CERT',
    doc: 'Authorities that ZTS is trusted by, PEM; needed as soon as anything is asked of ZTS.',
  }),
  intermediateCertBundle: setting(bundleName, {
    env: 'INTERMEDIATE_CERT_BUNDLE',
    doc: 'Bundle of ZTS (`/cacerts/<name>`) that is put behind each role certificate.',
  }),
  targetDomainRoles: setting(list(target), {
    default: '',
    env: 'TARGET_DOMAIN_ROLES',
    doc: 'Roles to get certificates and tokens for; a domain alone stands for a token of all its roles.',
  }),
  rolecertDir: setting(pathOrNothing, {
    default: '',
    env: 'ROLECERT_DIR',
    doc: 'Directory for role certificates, `<domain><delimiter><role>.cert.pem`.',
  }),
  roleCertFilenameDelimiter: setting(delimiter, {
    default: ':role.',
    env: 'ROLE_CERT_FILENAME_DELIMITER',
    doc: 'Stands between domain and role in the names of role certificates.',
  }),
  roleCertNamingFormat: setting(namingFormat, {
    env: 'ROLE_CERT_NAMING_FORMAT',
    doc: 'Path of a role certificate, instead of a directory.',
  }),
  rolecertKeyFileOutput: setting(flag, {
    default: 'false',
    env: 'ROLE_CERT_KEY_FILE_OUTPUT',
    doc: 'Put the key beside each role certificate too, `<domain><delimiter><role>.key.pem`.',
  }),
  roleCertKeyNamingFormat: setting(namingFormat, {
    env: 'ROLE_CERT_KEY_NAMING_FORMAT',
    doc: 'Path of the key beside a role certificate, instead of a directory.',
  }),
  tokenType: setting(oneOf('accesstoken', 'roletoken', 'roletoken+accesstoken', 'accesstoken+roletoken'), {
    default: 'accesstoken',
    env: 'TOKEN_TYPE',
    doc: 'Which tokens are got for the targets and served.',
  }),
  tokenRefreshInterval: setting(duration({ min: '1s' }), {
    default: '30m',
    env: 'TOKEN_REFRESH_INTERVAL',
    doc: 'Longest time between two renewals of a token; they come earlier when half of its life is over.',
  }),
  tokenExpiry: setting(wholeSeconds, {
    default: '0s',
    env: 'TOKEN_EXPIRY',
    doc: 'Life to ask for; 0 leaves it to ZTS.',
  }),
  tokenDir: setting(pathOrNothing, {
    default: '',
    env: 'TOKEN_DIR',
    doc: 'Directory for tokens, `<domain><delimiter><role>.accesstoken` and `.roletoken`.',
  }),
  accessTokenNamingFormat: setting(namingFormat, {
    env: 'ACCESS_TOKEN_NAMING_FORMAT',
    doc: 'Path of an access token, instead of a directory.',
  }),
  roleTokenNamingFormat: setting(namingFormat, {
    env: 'ROLE_TOKEN_NAMING_FORMAT',
    doc: 'Path of a role token, instead of a directory.',
  }),
  accessTokenFilenameDelimiter: setting(delimiter, {
    default: ':role.',
    env: 'ACCESS_TOKEN_FILENAME_DELIMITER',
    doc: 'Stands between domain and role in the names of access tokens.',
  }),
  roleTokenFilenameDelimiter: setting(delimiter, {
    default: ':role.',
    env: 'ROLE_TOKEN_FILENAME_DELIMITER',
    doc: 'Stands between domain and role in the names of role tokens.',
  }),
}

type AthenzSettings = SettingsOf<{ name: string; envPrefix: string; summary: string; schema: typeof athenzSettings }>

interface Rest {
  readonly mode: string
  /** Where ZTS is, whichever setting says so. */
  readonly zts: string | undefined
  readonly servesTokens: boolean
}

/** One sentence for each combination that cannot be meant. */
export function checkAthenz(settings: AthenzSettings, { mode, zts, servesTokens }: Rest): string[] {
  const it = settings
  const hasRoles = it.targetDomainRoles.length > 0
  const hasRoleFiles = it.rolecertDir !== '' || it.roleCertNamingFormat !== undefined
  const hasTokenFiles =
    it.tokenDir !== '' || it.accessTokenNamingFormat !== undefined || it.roleTokenNamingFormat !== undefined
  const asksZts = hasRoles || servesTokens
  const names = it.targetDomainRoles.map(({ domain, role }) => `${domain}:role.${role ?? ''}`.toLowerCase())
  const problems: readonly (readonly [boolean, string])[] = [
    [new Set(names).size < names.length, '--target-domain-roles names a role twice'],
    [
      hasRoles && !hasRoleFiles && !hasTokenFiles && !servesTokens,
      '--target-domain-roles needs --rolecert-dir, --token-dir, a naming format or --token-server-addr',
    ],
    [asksZts && zts === undefined, 'what is asked of ZTS needs --zts-endpoint'],
    [asksZts && it.serverCaCert === '', 'what is asked of ZTS needs --server-ca-cert'],
    [
      it.rolecertDir !== '' && (it.roleCertNamingFormat ?? it.roleCertKeyNamingFormat) !== undefined,
      '--rolecert-dir and a naming format for role certificates exclude each other',
    ],
    [
      it.roleCertKeyNamingFormat !== undefined && it.rolecertDir === '' && it.roleCertNamingFormat === undefined,
      '--role-cert-key-naming-format needs --role-cert-naming-format',
    ],
    [
      it.rolecertKeyFileOutput && it.roleCertNamingFormat !== undefined && it.roleCertKeyNamingFormat === undefined,
      '--rolecert-key-file-output with a naming format needs --role-cert-key-naming-format',
    ],
    [
      it.tokenDir !== '' && (it.accessTokenNamingFormat ?? it.roleTokenNamingFormat) !== undefined,
      '--token-dir and a naming format for tokens exclude each other',
    ],
    [
      mode === 'refresh' && it.tokenExpiry > 0 && it.tokenExpiry <= it.tokenRefreshInterval,
      '--token-expiry must be longer than --token-refresh-interval',
    ],
  ]
  return problems.filter(([isBroken]) => isBroken).map(([, sentence]) => sentence)
}
