/**
 * Containers as plain processes: no images, no root needed. Each is started behind a gate, so that the file that stands for
 * its cgroup exists before its first instruction, as with a real runtime.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Isolation } from '../namespace.ts'
import type { Reaper } from '../reaper.ts'
import { type ContainerMount, rootScript } from './container-root.ts'

export interface ContainerSpec {
  /** 64 hex digits. */
  readonly id: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly ContainerMount[]
  /** Path of the cgroup, such as `/kubepods/besteffort/pod<uid>/<id>`. */
  readonly cgroup: string
  readonly logFile: string
}

export interface Exit {
  readonly exitCode: number
  readonly signal: string | undefined
}

export interface RunningContainer {
  readonly pid: number
  readonly exited: Promise<Exit>
  signal(name: NodeJS.Signals): void
}

export interface ContainerRuntime {
  start(spec: ContainerSpec): Promise<RunningContainer>
}

export interface ContainerRuntimeOptions {
  readonly isolation: Isolation
  /** Where `<pid>/cgroup` is written for the agent, in place of /proc. */
  readonly procRoot: string
  /** Scratch space for container roots. */
  readonly scratchDir: string
  /** Directories that every container sees at their host path, read-only: where the programs live. */
  readonly sharedDirs: readonly string[]
  /** Ends them when this process is killed. */
  readonly reaper?: Reaper
}

export function createContainerRuntime(options: ContainerRuntimeOptions): ContainerRuntime {
  return { start: (spec) => start(spec, options) }
}

async function start(spec: ContainerSpec, options: ContainerRuntimeOptions): Promise<RunningContainer> {
  mkdirSync(dirname(spec.logFile), { recursive: true })
  const log = openSync(spec.logFile, 'a')
  const child = launch(spec, options, log)
  closeSync(log)
  child.on('error', () => undefined)
  const { pid } = child
  if (pid === undefined) throw new Error('the container did not start')
  const owned = options.reaper?.owns(pid)
  const entry = join(options.procRoot, String(pid))
  const exited = Promise.withResolvers<Exit>()
  child.on('exit', (code, signal) => {
    killGroup(pid)
    owned?.[Symbol.dispose]()
    rmSync(entry, { recursive: true, force: true })
    exited.resolve({ exitCode: code ?? 128, signal: signal ?? undefined })
  })
  rmSync(entry, { recursive: true, force: true })
  mkdirSync(entry, { recursive: true })
  writeFileSync(join(entry, 'cgroup'), `0::${spec.cgroup}\n`)
  symlinkSync(`/proc/${pid}/stat`, join(entry, 'stat'))
  child.stdin?.on('error', () => undefined)
  child.stdin?.end('go\n')
  return { pid, exited: exited.promise, signal: (name) => void (name === 'SIGKILL' ? killGroup(pid) : child.kill(name)) }
}

/** A container ends with its first process, and all that it has started with it: a runtime would empty its cgroup. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

function launch(spec: ContainerSpec, options: ContainerRuntimeOptions, log: number): ChildProcess {
  const stdio = ['pipe', log, log] as const
  if (options.isolation === 'none') {
    // What a link leads to, not the link: socket paths must stay short.
    const mounts = spec.mounts.map((mount) => ({ ...mount, hostPath: realpathSync(mount.hostPath) }))
    const argv = spec.argv.map((word) => toHostPath(word, mounts))
    const env = Object.fromEntries(Object.entries(spec.env).map(([key, value]) => [key, toHostPath(value, mounts)]))
    return spawn('sh', ['-c', 'read -r _ && exec "$@" </dev/null', 'sh', ...argv], { env, stdio: [...stdio], detached: true })
  }
  const root = join(options.scratchDir, spec.id.slice(0, 12))
  mkdirSync(root, { recursive: true })
  const script = rootScript(root, spec.mounts, options.sharedDirs)
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...spec.argv]
  return spawn('unshare', args, { env: { ...spec.env }, stdio: [...stdio], detached: true })
}

/** Without a mount namespace a container's paths are host paths: `/tls/x` and `--out=/tls/x` become what lies behind. */
export function toHostPath(text: string, mounts: readonly ContainerMount[]): string {
  for (const { hostPath, mountPath } of mounts.toSorted((a, b) => b.mountPath.length - a.mountPath.length)) {
    const found = new RegExp(`^((?:--?[a-z-]+=)?(?:unix://)?)${RegExp.escape(mountPath)}(?=/|$)`).exec(text)
    if (found) return `${found[1]}${hostPath}${text.slice(found[0].length)}`
  }
  return text
}
