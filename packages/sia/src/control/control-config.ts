/** The cluster's configuration, read again for each certificate: roots change while a sidecar runs. */
import { ConfigError } from '@pallas/config'
import { type Files, HostError } from '@pallas/host'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { followClusterConfig } from '@pallas/wire/follow-cluster-config'

const MAX_CONFIG_BYTES = 1024 * 1024

export interface ControlConfig {
  /** As it was read last. */
  readonly current: () => ClusterConfig
  /** Reads it again; what cannot be used leaves the last good one. */
  readonly read: () => Promise<ClusterConfig>
}

export interface ControlConfigDeps {
  readonly files: Pick<Files, 'read'>
  readonly onUnusable: (error: unknown) => void
}

/** Throws when it cannot be used at the start. */
export async function openControlConfig(path: string, { files, onUnusable }: ControlConfigDeps): Promise<ControlConfig> {
  const parse = followClusterConfig()
  const readNow = async () => parse(new TextDecoder().decode(await files.read(path, MAX_CONFIG_BYTES)))
  let current: ClusterConfig = await readNow()
  return {
    current: () => current,
    async read() {
      try {
        current = await readNow()
      } catch (error) {
        if (!(error instanceof HostError) && !(error instanceof ConfigError)) throw error
        onUnusable(error)
      }
      return current
    },
  }
}
