/** Names of Services. A headless one's is the addresses of its pods, which is what works without a kube-proxy. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Programs } from './cache.ts'
import type { Daemon } from './daemons.ts'
import { type Cluster, NODE_ADDRESS, PORTS } from './layout.ts'

/** Writes its file. */
export function dns(cluster: Cluster, programs: Programs): Daemon {
  const file = join(cluster.stateDirectory, 'Corefile')
  writeFileSync(file, corefileOf(cluster))
  return {
    name: 'dns',
    argv: [programs.path('dns'), '-conf', file],
    probe: { kind: 'http', url: `http://${NODE_ADDRESS}:${PORTS.dnsReady}/ready` },
    deadlineMs: 30_000,
  }
}

/** Answers live for a second: who waits for a pod to come or go shall see it. */
const corefileOf = ({ stateDirectory, dnsAddress, dnsDomain }: Cluster): string => `.:53 {
  bind ${dnsAddress}
  ready ${NODE_ADDRESS}:${PORTS.dnsReady}
  errors
  cache 1
  kubernetes ${dnsDomain} in-addr.arpa ip6.arpa {
    kubeconfig ${join(stateDirectory, 'dns.kubeconfig')}
    ttl 1
  }
}
`
