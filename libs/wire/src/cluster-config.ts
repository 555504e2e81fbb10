/**
 * The cluster's configuration file, YAML, read by agent, JWT service, callback and control-SIA (`--config`).
 *
 * Keys of the original: `dns-suffix`, `admin-domain`, `zts-endpoint`, `provider-service`, `trust-roots` (PEM bundles
 * `athenz` and `athenz-service`), `auth-header`, `system-namespaces`. Ours: `spiffe-form`, `trust-domain`, `host-network`.
 */
import type { NameRules } from '@pallas/identity'

export interface ClusterConfig extends NameRules {
  /** Base URL of ZTS with its version path, `https://…/zts/v1`. */
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
