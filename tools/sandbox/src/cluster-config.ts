/** The cluster's configuration file, in the original's YAML. */
import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { ADMIN_DOMAIN, DNS_SUFFIX, PROVIDER } from './names.ts'
import type { Pki } from './pki.ts'

export function writeClusterConfig(path: string, { ztsEndpoint, pki }: { readonly ztsEndpoint: string; readonly pki: Pki }): void {
  const config = {
    'dns-suffix': DNS_SUFFIX,
    'admin-domain': ADMIN_DOMAIN,
    'zts-endpoint': ztsEndpoint,
    'provider-service': PROVIDER,
    'trust-roots': { athenz: pki.ztsCa.chainPem, 'athenz-service': pki.athenzCa.chainPem },
    'auth-header': 'Athenz-Principal-Auth',
  }
  writeFileSync(path, stringify(config), { mode: 0o644 })
}
