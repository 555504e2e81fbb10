/** Where everything of the cluster is: one node, one state directory, one bridge. All of it follows from the state directory. */
import { join, resolve } from 'node:path'
import { ClusterError } from './error.ts'

/** What others need to know of a cluster that is up. */
export interface Cluster {
  readonly stateDirectory: string
  readonly nodeName: string
  readonly nodeAddress: string
  readonly apiServer: string
  readonly kubeconfig: string
  /** Where its kubectl keeps what it has learnt of the API, which it would else leave in the home of whoever calls it. */
  readonly kubectlCache: string
  readonly caFile: string
  readonly kubeletRoot: string
  readonly flexVolumeDirectory: string
  readonly containerdSocket: string
  readonly nriSocket: string
  readonly dnsAddress: string
  readonly dnsDomain: string
  readonly logDirectory: string
}

export const NODE_NAME = 'pallas-node'
export const BRIDGE = 'pallas0'
export const POD_SUBNET = '10.77.0.0/24'
export const FIRST_POD = '10.77.0.10'
export const NODE_ADDRESS = '10.77.0.1'
export const SERVICE_SUBNET = '10.96.0.0/24'
export const API_ADDRESS = '10.96.0.1'
export const DNS_DOMAIN = 'cluster.local'
export const PORTS = { etcd: 23_790, etcdPeer: 23_791, kubeletHealth: 10_248, kubelet: 10_250, dnsReady: 10_253, controllerManager: 10_257, scheduler: 10_259 } as const

/** Where a kubelet is by default, and where manifests expect it: covered with directories of our own while we are up. */
export const KUBELET_ROOT = '/var/lib/kubelet'
export const FLEX_VOLUME_DIRECTORY = '/usr/libexec/kubernetes/kubelet-plugins/volume/exec'

/** Directories that the machine may have and pods may write to: the cluster sees an empty one of its own in each place. */
export const COVERED = [KUBELET_ROOT, FLEX_VOLUME_DIRECTORY, '/var/lib/cni', '/var/log/containers', '/var/athenz'] as const

const DEFAULT_STATE = '/var/lib/pallas-cluster'
/** containerd's limit for the directory of its shims' sockets is 42, and a unix socket's path ends at 107. */
const LONGEST = 40

/** The state directory of this machine's cluster. Throws `CLUSTER_STATE` for one that sockets do not fit into. */
export function stateDirectoryOf(env: NodeJS.ProcessEnv): string {
  const state = resolve(env['PALLAS_CLUSTER_STATE'] || DEFAULT_STATE)
  if (state.length <= LONGEST && state.split('/').length > 2 && /^[\w./-]+$/.test(state)) return state
  const message = `the state directory must lie below a directory of the root, be at most ${LONGEST} characters long and plain`
  throw new ClusterError('CLUSTER_STATE', message, { detail: state })
}

export const clusterAt = (state: string): Cluster => ({
  stateDirectory: state,
  nodeName: NODE_NAME,
  nodeAddress: NODE_ADDRESS,
  apiServer: `https://${API_ADDRESS}:443`,
  kubeconfig: join(state, 'admin.kubeconfig'),
  kubectlCache: join(state, 'kubectl-cache'),
  caFile: join(state, 'pki/ca.crt'),
  kubeletRoot: KUBELET_ROOT,
  flexVolumeDirectory: FLEX_VOLUME_DIRECTORY,
  containerdSocket: join(state, 'containerd.sock'),
  nriSocket: join(state, 'nri.sock'),
  dnsAddress: NODE_ADDRESS,
  dnsDomain: DNS_DOMAIN,
  logDirectory: join(state, 'logs'),
})
