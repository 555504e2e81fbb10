import { X509Certificate } from 'node:crypto'
import { ConfigError } from '@pallas/config'
import { type DomainRules, namespaceOf } from '@pallas/identity'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { readCertificates } from '@pallas/x509'

/** What a service account may be called and an Athenz service too. */
const ACCOUNT = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/**
 * Throws `ConfigError` when a pod could pass for ZTS: the common name of ZTS is that of a service for which this
 * callback would vouch, and one authority vouches for both, be it through another one.
 */
export function checkZtsName(ztsName: string, config: DomainRules & Pick<ClusterConfig, 'trustRoots'>): void {
  const namespace = namespaceWithService(ztsName, config)
  if (namespace === undefined || !vouchForEachOther(config.trustRoots)) return
  throw new ConfigError([
    `--zts-name ${ztsName} is also the name of a service of the namespace ${namespace}, whose pods could pass for ZTS: ` +
      'trust-roots athenz and athenz-service must have no authority in common, nor one below the other, ' +
      'or ZTS needs another common name',
  ])
}

/** The namespace whose pods can have a certificate with this common name; undefined when there is none. */
function namespaceWithService(commonName: string, rules: DomainRules): string | undefined {
  const dot = commonName.lastIndexOf('.')
  if (dot < 0 || !ACCOUNT.test(commonName.slice(dot + 1))) return undefined
  return namespaceOf(commonName.slice(0, dot), rules)
}

/**
 * Whether one certificate could chain to both: a key that is in both under one name, however often it was certified, or an
 * authority of one below or above one of the other.
 */
function vouchForEachOther({ athenz, athenzService }: ClusterConfig['trustRoots']): boolean {
  const [ones, others] = [athenz, athenzService].map((pem) => readCertificates(pem).map(({ der }) => new X509Certificate(der)))
  return ones?.some((one) => others?.some((other) => isSame(one, other) || issued(one, other) || issued(other, one))) ?? false
}

const isSame = (one: X509Certificate, other: X509Certificate): boolean =>
  one.subject === other.subject && one.publicKey.equals(other.publicKey)

/** Of one that cannot be verified, as with an algorithm unknown here, the names alone decide. */
function issued(issuer: X509Certificate, child: X509Certificate): boolean {
  if (child.issuer !== issuer.subject) return false
  try {
    return child.verify(issuer.publicKey)
  } catch {
    return true
  }
}
