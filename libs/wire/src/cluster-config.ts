/**
 * The cluster's configuration file, YAML, read by agent, JWT service, callback and control-SIA (`--config`).
 *
 * Keys of the original: `dns-suffix`, `admin-domain`, `zts-endpoint`, `provider-service`, `trust-roots` (PEM bundles
 * `athenz` and `athenz-service`), `auth-header`, `system-namespaces`. Ours: `spiffe-form`, `trust-domain`,
 * `host-network`.
 */
import { ConfigError, path, setting } from '@pallas/config'
import { isDomain, type NameRules } from '@pallas/identity'
import { readCertificates } from '@pallas/x509'
import { parseDocument } from 'yaml'

export interface ClusterConfig extends NameRules {
  /** Base URL of ZTS with its version path, `https://…/zts/v1`, without a slash at its end. */
  readonly ztsEndpoint: string
  /** Fully qualified Athenz service of the callback. */
  readonly providerService: string
  readonly trustRoots: {
    /** PEM bundle: who ZTS is. */
    readonly athenz: string
    /** PEM bundle: whose certificates Athenz services carry. */
    readonly athenzService: string
  }
  /** HTTP header of principal tokens. */
  readonly authHeader: string
}

/** How every program that reads the file is told where it is; the name is the original's. */
export const clusterConfigSetting = {
  config: setting(path, { env: 'CONFIG_URL', default: '/var/cluster/config.yaml', doc: "The cluster's configuration file." }),
}

const MAX_TEXT = 1_048_576
const MAX_ALIASES = 16

/** Throws `ConfigError` (`CONFIG_INVALID`) that lists every problem, each beginning with its key. */
export function parseClusterConfig(text: string): ClusterConfig {
  const reader = createReader(readYaml(text))
  const { value } = reader
  const config: ClusterConfig = {
    dnsSuffix: value('dns-suffix', isDnsName, 'must be a dns name such as svc.cluster.local'),
    adminDomain: value('admin-domain', isDomain, 'must be an athenz domain'),
    ztsEndpoint: value('zts-endpoint', isEndpoint, 'must be an https url without query').replace(/\/+$/, ''),
    providerService: value('provider-service', isService, 'must be a fully qualified athenz service'),
    trustRoots: reader.trustRoots(),
    authHeader: value('auth-header', isHeader, 'must be the name of an http header', 'Athenz-Principal-Auth'),
    systemNamespaces: reader.namespaces('system-namespaces'),
    spiffeForm: reader.oneOf('spiffe-form', ['service', 'trust-domain', 'original', 'none']),
    trustDomain: value('trust-domain', isDnsName, 'must be a dns name', 'athenz.io'),
    hostNetwork: reader.oneOf('host-network', ['refuse', 'no-ip']),
  }
  const problems = reader.problems()
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

const DNS_LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const DNS_NAME = new RegExp(`^${DNS_LABEL}(\\.${DNS_LABEL})*$`)
const NAMESPACE = new RegExp(`^${DNS_LABEL}$`)
const ENDPOINT = /^https:\/\/[A-Za-z0-9.[\]:-]+(\/[\w.~/-]*)?$/
const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

const isDnsName = (text: string) => text.length <= 253 && DNS_NAME.test(text)
const isEndpoint = (text: string) => ENDPOINT.test(text)
const isHeader = (text: string) => HEADER.test(text)
const isService = (text: string) => isDomain(text) && text.includes('.')

type Fields = ReadonlyMap<string, unknown>

/** Takes the keys of a file one by one, and remembers what was wrong with each and which were not asked for. */
function createReader(file: Fields) {
  const problems: string[] = []
  const left = new Map(file)

  function take(key: string, from: Map<string, unknown> = left): unknown {
    const found = from.get(key)
    from.delete(key)
    return found ?? undefined
  }

  function bad<T>(key: string, problem: string, instead: T): T {
    problems.push(`${key} ${problem}`)
    return instead
  }

  function value(key: string, isGood: (text: string) => boolean, problem: string, fallback?: string): string {
    const found = take(key) ?? fallback
    if (found === undefined) return bad(key, 'is missing', '')
    return typeof found === 'string' && isGood(found) ? found : bad(key, problem, '')
  }

  function oneOf<const T extends string>(key: string, choices: readonly [T, ...T[]]): T {
    const found = take(key) ?? choices[0]
    return choices.find((choice) => choice === found) ?? bad(key, `must be one of ${choices.join(', ')}`, choices[0])
  }

  function namespaces(key: string): readonly string[] {
    const found = take(key) ?? []
    const good = Array.isArray(found) && found.every((it): it is string => typeof it === 'string' && NAMESPACE.test(it))
    return good ? found : bad(key, 'must be a list of namespaces', [])
  }

  function bundle(roots: Map<string, unknown>, name: string): string {
    const found = take(name, roots)
    const key = `trust-roots.${name}`
    if (found === undefined) return bad(key, 'is missing', '')
    if (typeof found === 'string' && holdsCertificates(found)) return found
    return bad(key, 'must be a bundle of pem certificates', '')
  }

  function trustRoots() {
    const found = take('trust-roots')
    const roots = new Map(found instanceof Map ? found : [])
    if (found !== undefined && !(found instanceof Map)) bad('trust-roots', 'must be a map', undefined)
    const both = { athenz: bundle(roots, 'athenz'), athenzService: bundle(roots, 'athenz-service') }
    problems.push(...unknown(roots, 'trust-roots.'))
    return both
  }

  return { value, oneOf, namespaces, trustRoots, problems: () => [...problems, ...unknown(left, '')] }
}

const unknown = (left: ReadonlyMap<string, unknown>, prefix: string): string[] =>
  [...left.keys()].map((key) => `${prefix}${key} is not a key of this file`)

function holdsCertificates(pem: string): boolean {
  try {
    return readCertificates(pem).length > 0
  } catch {
    return false
  }
}

/** The file's one map. Aliases may not multiply what is written. */
function readYaml(text: string): Fields {
  if (text.length > MAX_TEXT) throw new ConfigError(['the file is longer than 1 MiB'])
  let found: unknown
  try {
    const document = parseDocument(text, { stringKeys: true, prettyErrors: false, logLevel: 'error' })
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw new ConfigError([`the file is not yaml: ${error.code} at character ${error.pos[0]}`])
    found = document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES })
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(['the file is not yaml that can be read'])
  }
  if (found instanceof Map) return found as Fields
  throw new ConfigError(['the file must be a map of settings'])
}
