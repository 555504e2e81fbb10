import { type ClusterConfig, parseClusterConfig } from './cluster-config.ts'

/** The cluster's configuration as a running program may use it now. */
export interface FollowedClusterConfig extends ClusterConfig {
  /** Keys that say something else in the file than at the start, and count from the next start on. */
  readonly waiting: readonly string[]
}

/**
 * What a running program goes on with although the file says otherwise: the names of everything follow from these, or
 * whom we are to others does, so that half a program must not go by the new ones and half by the old.
 */
const FIXED = {
  'dns-suffix': 'dnsSuffix',
  'admin-domain': 'adminDomain',
  'zts-endpoint': 'ztsEndpoint',
  'provider-service': 'providerService',
  'auth-header': 'authHeader',
} as const satisfies Record<string, keyof ClusterConfig>

/**
 * Parses the file for a program that follows it. Trust roots, SPIFFE form, trust domain, system namespaces and the policy
 * for host networks change at once; other keys stay as they were at the first call, and `waiting` names them.
 * `check` throws for what this program cannot go by. Throws `ConfigError` as `parseClusterConfig` does.
 */
export function followClusterConfig(check: (config: ClusterConfig) => void = () => {}): (text: string) => FollowedClusterConfig {
  let first: ClusterConfig | undefined
  return (text) => {
    const file = parseClusterConfig(text)
    const before = first ?? file
    const now = { ...file, ...fixedIn(before) }
    check(now)
    first = before
    const waiting = Object.entries(FIXED).filter(([, field]) => file[field] !== before[field])
    return { ...now, waiting: waiting.map(([key]) => key) }
  }
}

type Fixed = Pick<ClusterConfig, (typeof FIXED)[keyof typeof FIXED]>

const fixedIn = (config: ClusterConfig): Fixed =>
  Object.fromEntries(Object.values(FIXED).map((field) => [field, config[field]])) as Fixed
