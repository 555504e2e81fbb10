/** A service of the control plane on a machine in memory: its key, the cluster's configuration, and a ZTS. */
import { MemoryMachine, type MemoryHost } from '@pallas/host/testing'
import { type NodeKey, nodeKey, TestCa } from '@pallas/x509/testing'
import { createLog } from '../log.ts'
import { bytes, promptKeys, START } from './pod.ts'
import { TestZts } from './test-zts.ts'

export interface ControlPlane {
  readonly host: MemoryHost
  readonly zts: TestZts
  readonly key: NodeKey
  readonly log: ReturnType<typeof createLog>
  readonly lines: Record<string, unknown>[]
  read(path: string): Promise<string>
  /** Puts a key and its version into the identity directory, as a Secret mount does: both at once. */
  mountKey(key: NodeKey, version: string): Promise<void>
}

export const clusterConfig = (caPem: string, ztsEndpoint: string): string => {
  const bundle = caPem.trimEnd().replaceAll('\n', '\n    ')
  return [
    'dns-suffix: svc.cluster.local',
    'admin-domain: k8s.admin',
    `zts-endpoint: ${ztsEndpoint}`,
    'provider-service: k8s.admin.athenz-callback',
    'auth-header: Athenz-Principal-Auth',
    'trust-roots:',
    `  athenz: |\n    ${bundle}`,
    `  athenz-service: |\n    ${bundle}`,
    '',
  ].join('\n')
}

export async function openControlPlane(algorithm: 'ec-p256' | 'rsa' = 'ec-p256'): Promise<ControlPlane> {
  const host = new MemoryMachine({ keys: promptKeys, start: START }).open()
  const ca = await TestCa.create({ now: host.clock.now() })
  const zts = new TestZts({ ca, now: () => host.clock.now() })
  host.machine.peers.set('tls:zts.example:4443', zts.handler)
  await host.files.mkdirs('/var/cluster', 0o755)
  const config = clusterConfig(ca.certPem, 'https://zts.example:4443/zts/v1')
  await host.files.create('/var/cluster/config.yaml', bytes(config), 0o644)
  await host.files.mkdirs('/var/tls/athenz/private', 0o755)

  let mounted = 0
  const mountKey = async (key: NodeKey, version: string) => {
    const [directory, generation] = ['/var/tls/athenz/private', `..secret_${++mounted}`]
    await host.files.mkdir(`${directory}/${generation}`, 0o755)
    await host.files.create(`${directory}/${generation}/service.key`, bytes(key.pem), 0o600)
    await host.files.create(`${directory}/${generation}/service.version`, bytes(version), 0o644)
    await host.files.symlink(generation, `${directory}/..data_tmp`)
    await host.files.rename(`${directory}/..data_tmp`, `${directory}/..data`)
  }
  const key = nodeKey(algorithm)
  zts.keys.set('v1', key.spki)
  await mountKey(key, 'v1\n')
  const lines: Record<string, unknown>[] = []
  const out = (text: string) => void lines.push(JSON.parse(text))
  const log = createLog('test', 'debug', host.clock, { out })
  const read = async (path: string) => new TextDecoder().decode(await host.files.read(path, 1_000_000))
  return { host, zts, key, log, lines, read, mountKey }
}
