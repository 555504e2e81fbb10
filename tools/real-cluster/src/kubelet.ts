/** The kubelet. All features have their defaults; what differs from a production node's is for speed or for small machines. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Programs } from './cache.ts'
import type { Daemon } from './daemons.ts'
import { type Cluster, NODE_ADDRESS, NODE_NAME, PORTS } from './layout.ts'
import { openFilesLimit } from './proc.ts'

/** Writes its files. */
export function kubelet(cluster: Cluster, programs: Programs): Daemon {
  const at = (path: string): string => join(cluster.stateDirectory, path)
  writeFileSync(at('resolv.conf'), '# names outside of the cluster are not resolved\n')
  writeFileSync(at('kubelet.json'), JSON.stringify(kubeletConfiguration(cluster, openFilesLimit()), null, 2))
  return {
    name: 'kubelet',
    argv: [
      programs.path('kubelet'),
      `--config=${at('kubelet.json')}`,
      `--kubeconfig=${at('kubelet.kubeconfig')}`,
      `--root-dir=${cluster.kubeletRoot}`,
      `--cert-dir=${at('kubelet-certs')}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE_ADDRESS}`,
      '--v=2',
    ],
    probe: { kind: 'http', url: `http://${NODE_ADDRESS}:${PORTS.kubeletHealth}/healthz` },
    deadlineMs: 60_000,
  }
}

const MOST_OPEN_FILES = 1_000_000

export function kubeletConfiguration(cluster: Cluster, openFiles: number) {
  const at = (path: string): string => join(cluster.stateDirectory, path)
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    port: PORTS.kubelet,
    healthzBindAddress: NODE_ADDRESS,
    healthzPort: PORTS.kubeletHealth,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '5s' },
      x509: { clientCAFile: cluster.caFile },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5s', cacheUnauthorizedTTL: '1s' } },
    tlsCertFile: at('pki/kubelet.crt'),
    tlsPrivateKeyFile: at('pki/kubelet.key'),
    containerRuntimeEndpoint: `unix://${cluster.containerdSocket}`,
    volumePluginDir: cluster.flexVolumeDirectory,
    podLogsDir: at('podlogs'),
    resolvConf: at('resolv.conf'),
    clusterDNS: [cluster.dnsAddress],
    clusterDomain: cluster.dnsDomain,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['none'],
    makeIPTablesUtilChains: false,
    hairpinMode: 'none',
    // A root without CAP_SYS_RESOURCE can neither lower an OOM score nor raise the limit of open files.
    oomScoreAdj: 0,
    maxOpenFiles: Math.min(openFiles, MOST_OPEN_FILES),
    syncFrequency: '10s',
    serializeImagePulls: false,
    // A full disk of a developer's machine must not evict pods or delete images.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
  }
}
