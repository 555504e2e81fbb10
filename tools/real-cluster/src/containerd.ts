/** containerd with everything that it would put into the machine's directories put into ours, and NRI on. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Programs } from './cache.ts'
import type { Daemon } from './daemons.ts'
import { BRIDGE, type Cluster, FIRST_POD, NODE_ADDRESS, POD_SUBNET } from './layout.ts'
import { PAUSE_IMAGE } from './images.ts'

/** Writes its files. */
export function containerd(cluster: Cluster, programs: Programs): Daemon {
  const at = (path: string): string => join(cluster.stateDirectory, path)
  // The root of a pod's user namespace must be able to reach the pod's root file system.
  mkdirSync(at('containerd'), { mode: 0o711 })
  for (const name of ['cni', 'none']) mkdirSync(at(name))
  writeFileSync(at('containerd.toml'), configOf(cluster, programs))
  writeFileSync(at('cni/10-pallas.conflist'), JSON.stringify(networkOf(at('addresses')), null, 2))
  return {
    name: 'containerd',
    argv: [programs.path('containerd'), '--config', at('containerd.toml')],
    probe: { kind: 'socket', path: cluster.containerdSocket },
    deadlineMs: 30_000,
  }
}

function configOf(cluster: Cluster, programs: Programs): string {
  const { containerdSocket, nriSocket, stateDirectory } = cluster
  const at = (path: string): string => JSON.stringify(join(stateDirectory, path))
  return `version = 3
root = ${at('containerd/root')}
state = ${at('containerd/state')}
[grpc]
  address = ${JSON.stringify(containerdSocket)}
[ttrpc]
  address = ${JSON.stringify(`${containerdSocket}.ttrpc`)}
[plugins.'io.containerd.shim.v1.manager']
  socket_dir = ${at('s')}
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = ${JSON.stringify(PAUSE_IMAGE)}
[plugins.'io.containerd.cri.v1.runtime']
  # A root without CAP_SYS_RESOURCE cannot lower an OOM score.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  cdi_spec_dirs = []
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = ${JSON.stringify(programs.path('runc'))}
      Root = ${at('runc')}
      SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = [${JSON.stringify(dirname(programs.path('bridge')))}]
    conf_dir = ${at('cni')}
[plugins.'io.containerd.nri.v1.nri']
  disable = false
  socket_path = ${JSON.stringify(nriSocket)}
  plugin_path = ${at('none')}
  plugin_config_path = ${at('none')}
[plugins.'io.containerd.internal.v1.opt']
  path = ${at('opt')}
`
}

/** Not `isGateway`, which turns on IP forwarding for the machine: the bridge has the gateway's address already. */
const networkOf = (dataDir: string) => ({
  cniVersion: '1.0.0',
  name: 'pallas',
  plugins: [
    {
      type: 'bridge',
      bridge: BRIDGE,
      ipam: {
        type: 'host-local',
        dataDir,
        ranges: [[{ subnet: POD_SUBNET, rangeStart: FIRST_POD, gateway: NODE_ADDRESS }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
})
