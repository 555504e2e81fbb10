/**
 * A mount namespace of our own, so that real bind mounts are made without root on the host and vanish with us.
 *
 * The sandbox starts itself again inside `unshare` (as root: `-m`; otherwise in a user namespace: `-Urm`). Where neither is
 * allowed it goes on without: containers then see host paths and the driver links instead of mounting.
 */
import { spawn, spawnSync } from 'node:child_process'
import { Socket } from 'node:net'

export type Isolation = 'mount-namespace' | 'none'

const MARK = 'PALLAS_SANDBOX_ISOLATION'
/** The descriptor at whose other end is the process that arranged the isolation. */
const PARENT = 'PALLAS_SANDBOX_PARENT'
const PARENT_FD = 3

/** What this process runs in, or undefined when that is still to be arranged. */
export function currentIsolation(env: NodeJS.ProcessEnv): Isolation | undefined {
  const mark = env[MARK]
  return mark === 'mount-namespace' || mark === 'none' ? mark : undefined
}

/** Runs a command in the best isolation the machine allows; resolves with its exit code. */
export async function runIsolated(argv: readonly string[]): Promise<number> {
  const flags = [process.getuid?.() === 0 ? '-m' : '-Urm', '--propagation', 'private']
  const allowed = spawnSync('unshare', [...flags, 'true'], { timeout: 5_000 }).status === 0
  const isolation: Isolation = allowed ? 'mount-namespace' : 'none'
  const [command = '', ...args] = allowed ? ['unshare', ...flags, ...argv] : argv
  const stdio = ['inherit', 'inherit', 'inherit', 'pipe'] as const
  const env = { ...process.env, [MARK]: isolation, [PARENT]: String(PARENT_FD) }
  const child = spawn(command, args, { stdio: [...stdio], env })
  const pass = (signal: NodeJS.Signals) => void child.kill(signal)
  process.on('SIGTERM', pass).on('SIGHUP', pass)
  process.on('SIGINT', () => void (process.stdin.isTTY || pass('SIGINT')))
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', reject).on('exit', (code, signal) => resolve(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1)))
  return promise
}

/** Calls back when the process that arranged our isolation has gone, even if it was killed. */
export function whenOrphaned(env: NodeJS.ProcessEnv, orphaned: () => void): void {
  const fd = Number(env[PARENT])
  if (!Number.isInteger(fd) || fd < PARENT_FD) return
  new Socket({ fd, readable: true, writable: false }).on('close', orphaned).on('error', orphaned).resume().unref()
}
