/** What is built, and of which module: `modules/<name>` holds pinned versions (go.mod) and what each must hash to (go.sum). */

export const MODULES = ['pause', 'runc', 'node', 'kubernetes', 'dns'] as const
export type ModuleName = (typeof MODULES)[number]

export interface ProgramSource {
  readonly name: string
  readonly module: ModuleName
  readonly package: string
  readonly tags?: readonly string[]
  /** Variables set by the linker: path → module whose version it is, or a value. */
  readonly stamps?: 'kubernetes' | 'containerd'
  /** Links C code, statically. */
  readonly c?: true
  /** What a machine of two cores took from nothing, downloads included. */
  readonly usualSeconds: number
}

export const KUBERNETES = 'k8s.io/kubernetes'
export const CONTAINERD = 'github.com/containerd/containerd/v2'
const CNI = 'github.com/containernetworking/plugins/plugins'

const kubernetes = (name: string, usualSeconds: number): ProgramSource => ({
  name,
  module: 'kubernetes',
  package: `${KUBERNETES}/cmd/${name}`,
  stamps: 'kubernetes',
  usualSeconds,
})

const containerd = (name: string, usualSeconds: number, ...tags: string[]): ProgramSource => ({
  name,
  module: 'node',
  package: `${CONTAINERD}/cmd/${name}`,
  stamps: 'containerd',
  tags: ['urfave_cli_no_docs', 'static_build', ...tags],
  usualSeconds,
})

const cni = (path: string, name: string): ProgramSource => ({ name, module: 'node', package: `${CNI}/${path}`, usualSeconds: 3 })

/** In the order in which they are built: what tells early that a machine cannot do it comes first. */
export const PROGRAMS: readonly ProgramSource[] = [
  { name: 'pause', module: 'pause', package: '.', usualSeconds: 3 },
  {
    name: 'runc',
    module: 'runc',
    package: 'github.com/opencontainers/runc',
    // The default tag libpathrs is left out: it would link a second C library.
    tags: ['seccomp', 'urfave_cli_no_docs', 'netgo', 'osusergo'],
    c: true,
    usualSeconds: 30,
  },
  containerd('containerd', 85),
  containerd('ctr', 5),
  containerd('containerd-shim-runc-v2', 5, 'no_grpc'),
  cni('ipam/host-local', 'host-local'),
  cni('main/bridge', 'bridge'),
  cni('main/loopback', 'loopback'),
  { name: 'etcd', module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3', usualSeconds: 45 },
  kubernetes('kube-apiserver', 260),
  kubernetes('kubelet', 80),
  kubernetes('kube-controller-manager', 55),
  kubernetes('kube-scheduler', 15),
  kubernetes('kubectl', 30),
  { name: 'dns', module: 'dns', package: '.', usualSeconds: 60 },
]
