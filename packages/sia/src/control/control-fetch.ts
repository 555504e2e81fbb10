/** One identity from ZTS for a service that owns its key: key and version → token and CSR → certificate, checked. */
import type { Lifetime } from '@pallas/credentials'
import type { Host } from '@pallas/host'
import {
  buildNToken,
  domainOf,
  IdentityError,
  serviceDnsName,
  spiffeUrisOf,
  type WorkloadNames,
} from '@pallas/identity'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { createCsr } from '@pallas/x509'
import { type CheckedIdentity, checkIdentity } from '../identity/check.ts'
import type { ControlConfig } from './control-config.ts'
import { readServiceKey, type ServiceKey } from './control-key.ts'
import type { RequestCertificate } from './control-zts.ts'

/** ZTS counts in minutes; it may give less. */
const EXPIRY_MINUTES = 7 * 24 * 60
const TOKEN_LIFE_SECONDS = 3_600
const SALT_BYTES = 4

export interface ControlFetchOptions {
  readonly namespace: string
  readonly account: string
  readonly identityDir: string
  readonly config: ControlConfig
  readonly host: Pick<Host, 'files' | 'keys' | 'clock'>
  readonly request: RequestCertificate
}

export interface Token {
  readonly text: string
  /** Of the key that signed it. */
  readonly version: string
  readonly life: Lifetime
}

export interface ControlFetch {
  certificate(signal: AbortSignal): Promise<CheckedIdentity>
  /** Signed here, with the key as it is now. */
  token(): Promise<Token>
  /** The key as it is now; undefined while it cannot be read. */
  keyIfThere(): Promise<ServiceKey | undefined>
}

/** Throws `NAMESPACE_REFUSED` at once for a namespace that stands for no domain. */
export function createControlFetch(options: ControlFetchOptions): ControlFetch {
  const { namespace, account: service, identityDir, config, host, request } = options
  const { keys, clock } = host
  const domain = domainOf(namespace, config.current())
  const namesBy = (rules: ClusterConfig): WorkloadNames => ({
    commonName: `${domain}.${service}`,
    dns: [serviceDnsName(domain, service, rules.dnsSuffix)],
    ip: [],
    uri: spiffeUrisOf(domain, service, namespace, rules),
  })
  const readKey = () => readServiceKey(identityDir, host)
  const sign = async ({ key, version }: ServiceKey): Promise<Token> => {
    const issuedAt = Math.floor(clock.now() / 1_000)
    const expiresAt = issuedAt + TOKEN_LIFE_SECONDS
    const salt = keys.randomBytes(SALT_BYTES).toHex()
    const claims = { domain, service, salt, issuedAt, expiresAt, keyId: version }
    const text = await buildNToken(claims, (data) => key.sign(data))
    return { text, version, life: { notBefore: issuedAt * 1_000, notAfter: expiresAt * 1_000 } }
  }

  return {
    keyIfThere: async () => {
      try {
        return await readKey()
      } catch (error) {
        if (error instanceof IdentityError) return undefined
        throw error
      }
    },
    token: async () => sign(await readKey()),
    certificate: async (signal) => {
      const rules = await config.read()
      const { athenzService: roots } = rules.trustRoots
      const names = namesBy(rules)
      const owned = await readKey()
      const { text: ntoken } = await sign(owned)
      const csr = await createCsr(names, owned.key)
      const answer = await request({ domain, service, csr, ntoken, expiryMinutes: EXPIRY_MINUTES }, signal)
      const caPem = lines(answer.caCertBundle || roots)
      const set = { keyPem: '', certPem: lines(answer.certificate) + caPem, caPem, ntoken }
      const identity = { set, spki: owned.key.spki, names, roots }
      const leaf = await checkIdentity(identity, { now: clock.now(), verify: (check) => keys.verify(check) })
      return { ...identity, leaf }
    },
  }
}

const lines = (pem: string): string => `${pem.trimEnd()}\n`
