/** What a machine must have, looked at before anything is touched: the first thing that it lacks, in one sentence with a code. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { hierarchies, podProcesses } from './cgroups.ts'
import { ClusterError } from './error.ts'
import { KUBELET_ROOT } from './layout.ts'
import { mountsAt } from './mounts.ts'
import { interfaceInOurWay } from './network.ts'
import { argvOf, processIds } from './proc.ts'
import { run } from './run.ts'

export interface Go {
  readonly goVersion: string
  readonly goArch: string
}

/** What the pinned modules ask for (their go.mod). */
const LEAST_GO = [1, 26, 6] as const

/** Which Go there is. Throws `CLUSTER_NO_GO`. */
export async function readGo(): Promise<Go> {
  const needed = `go ${LEAST_GO.join('.')} or newer must be on the PATH: every program of the cluster is built with it`
  try {
    const [goVersion = '', goArch = ''] = (await run(['go', 'env', 'GOVERSION', 'GOHOSTARCH'])).trim().split('\n')
    if (isNewEnough(goVersion)) return { goVersion, goArch }
    throw new ClusterError('CLUSTER_NO_GO', needed, { detail: `this one is ${goVersion}` })
  } catch (cause) {
    if (cause instanceof ClusterError && cause.code === 'CLUSTER_NO_GO') throw cause
    throw new ClusterError('CLUSTER_NO_GO', needed, { cause })
  }
}

/** `go1.26.8`, `go1.27rc1`. */
export function isNewEnough(goVersion: string): boolean {
  const parts = /^go(\d+)\.(\d+)(?:\.(\d+))?/.exec(goVersion)?.slice(1).map((part) => Number(part ?? 0))
  if (parts === undefined) return false
  const at = LEAST_GO.findIndex((least, index) => parts[index] !== least)
  return at < 0 || (parts[at] ?? 0) > LEAST_GO[at as 0 | 1 | 2]
}

/** Throws `CLUSTER_NO_COMPILER` or `CLUSTER_NO_TOOL`: what only a build needs. */
export async function requireBuildTools(): Promise<void> {
  const needed = 'gcc and the static C library (Debian: gcc, libc6-dev) must be there: runc links C code'
  const library = await run(['gcc', '-print-file-name=libc.a']).catch((cause: unknown) => {
    throw new ClusterError('CLUSTER_NO_COMPILER', needed, { cause })
  })
  if (!isAbsolute(library.trim())) throw new ClusterError('CLUSTER_NO_COMPILER', needed, { detail: 'libc.a is missing' })
  requireTools(['apt-get', 'apt-cache', 'dpkg-deb'], 'a distribution with apt: libseccomp and busybox are taken out of its packages, not installed')
}

/** Throws what a node cannot be without. Nothing is changed but the state directory's parent, which may be made. */
export async function requireNode(state: string): Promise<void> {
  const needed = 'only root can start a node: it mounts file systems and makes network devices'
  if (process.getuid?.() !== 0) throw new ClusterError('CLUSTER_NO_ROOT', needed)
  requireTools(['ip', 'mount', 'umount', 'unshare'], 'iproute2 and util-linux')
  await run(['unshare', '--mount', '--net', 'true']).catch((cause: unknown) => {
    throw new ClusterError('CLUSTER_NO_ROOT', needed, { cause, detail: 'the root of this container may not' })
  })
  if (!ownsAllUsers(readFileSync('/proc/self/uid_map', 'utf8'))) {
    throw new ClusterError('CLUSTER_NO_ROOT', needed, { detail: 'this is the root of a user namespace' })
  }
  requireCgroups()
  requireOverlay(state)
  requireNoRival()
  const taken = interfaceInOurWay()
  if (taken !== undefined) throw new ClusterError('CLUSTER_NETWORK', 'an interface of the machine has an address that the cluster needs', { detail: taken })
}

/** Of the content of `/proc/self/uid_map`: first id inside, first id outside, how many. */
export const ownsAllUsers = (uidMap: string): boolean => /^\s*0\s+0\s+4294967295\s*$/.test(uidMap)

function requireTools(names: readonly string[], whence: string): void {
  const missing = names.filter((name) => !isOnPath(name, process.env['PATH'] ?? ''))
  if (missing.length > 0) throw new ClusterError('CLUSTER_NO_TOOL', `the machine needs ${whence}`, { detail: `not on the PATH: ${missing.join(', ')}` })
}

export const isOnPath = (name: string, path: string): boolean =>
  path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids']

function requireCgroups(): void {
  const missing = missingControllers(availableControllers())
  if (hierarchies().length === 0 || missing.length > 0) {
    const detail = hierarchies().length === 0 ? 'no hierarchy is mounted' : `not enabled: ${missing.join(', ')}`
    throw new ClusterError('CLUSTER_NO_CGROUPS', 'the machine must give cgroups with cpu, cpuset, memory and pids to a kubelet', { detail })
  }
}

export const missingControllers = (available: readonly (string | undefined)[]): string[] =>
  CONTROLLERS.filter((name) => !available.includes(name))

/** Those of version 1 (/proc/cgroups: name, hierarchy, number, enabled) and of version 2; newer kernels list each in one place only. */
function availableControllers(): (string | undefined)[] {
  const lines = existsSync('/proc/cgroups') ? readFileSync('/proc/cgroups', 'utf8').split('\n') : []
  const first = lines.map((line) => line.split('\t')).filter(([, , , enabled]) => enabled === '1').map(([name]) => name)
  const files = hierarchies().map((path) => join(path, 'cgroup.controllers')).filter((path) => existsSync(path))
  return [...first, ...files.flatMap((file) => readFileSync(file, 'utf8').trim().split(' '))]
}

const OVERLAYFS = 0x794c7630

/** Containers' root file systems are overlays, and an overlay cannot lie on an overlay. */
function requireOverlay(state: string): void {
  if (!/\boverlay\b/.test(readFileSync('/proc/filesystems', 'utf8'))) {
    throw new ClusterError('CLUSTER_NO_OVERLAY', 'the kernel must know the overlay file system')
  }
  const parent = dirname(state)
  if (!existsSync(parent)) mkdirSync(parent, { recursive: true })
  if (statfsSync(parent).type !== OVERLAYFS) return
  throw new ClusterError('CLUSTER_NO_OVERLAY', 'the state directory lies on an overlay itself: name another in PALLAS_CLUSTER_STATE', { detail: state })
}

function requireNoRival(): void {
  const kubelets = processIds().filter((pid) => argvOf(pid)[0]?.split('/').at(-1) === 'kubelet')
  const [rival] = [...kubelets.map((pid) => `process ${pid}`), ...podProcesses().map((pid) => `process ${pid} of a pod`), ...mountsAt(KUBELET_ROOT)]
  if (rival !== undefined) throw new ClusterError('CLUSTER_RIVAL', "another kubelet, or what it has left, is on this machine", { detail: rival })
}
