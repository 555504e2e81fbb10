/** How the pod's side of a volume comes to stand at the mount directory, and how it goes. */
import { type Host, HostError, type Mount } from '@pallas/host'
import { DriverError } from './error.ts'

export interface Mounter {
  /** Shows the directory at `mountDir`, which is an empty directory. When it fails nothing is shown. */
  show(directory: string, mountDir: string): Promise<void>
  /** Whether exactly this directory, read-only, is what is seen at `mountDir`. */
  shows(directory: string, mountDir: string): Promise<boolean>
}

export type MounterHost = Pick<Host, 'files' | 'mounts'>

export interface BindOptions {
  /** Shown at `connect` in place of what the volume has there. */
  readonly agentDir: string | undefined
  /** `connect` has a mount of its own, for volumes whose uppermost one a container runtime makes writable. */
  readonly isGuarded: boolean
}

/**
 * Read-only, nosuid, nodev, noexec bind mounts (W3): one of the directory and, where there is something to show or to guard, one on top
 * at `connect`. What holds for containers is `readOnly` at the pod's volume (`request.ts`); the guard is for pods without it, whose
 * authors mean no harm: runc makes the uppermost mount writable for them, and that one alone. On the mount directory, not in the tree
 * itself, where a removal would have to get around it (W10).
 */
export const bindMounter = ({ mounts }: MounterHost, { agentDir, isGuarded }: BindOptions): Mounter => ({
  show: async (directory, mountDir) => {
    await mounts.bind(directory, mountDir, READ_ONLY)
    if (agentDir === undefined && !isGuarded) return
    try {
      await mounts.bind(agentDir ?? connectAt(directory), connectAt(mountDir), READ_ONLY)
    } catch (error) {
      await unmountAll({ mounts }, mountDir)
      throw error
    }
  },
  shows: async (directory, mountDir) => {
    const there = await mounts.under(mountDir)
    const [top, over, ...more] = there.toReversed()
    if (top === undefined || more.length > 0 || !there.every(({ readOnly }) => readOnly) || !showsRoot(top, directory)) return false
    if (agentDir === undefined && !isGuarded) return over === undefined
    if (over?.target !== connectAt(top.target)) return false
    return agentDir === undefined ? showsRoot(over, connectAt(directory)) : showsAgent(over, agentDir)
  },
})

const READ_ONLY = { readOnly: true } as const

/** Where the pod looks for the socket (`volumePaths` has the same below the tree). */
const connectAt = (mountDir: string): string => `${mountDir}/connect`

/** For hosts that allow no mounts: nothing is read-only then. */
export const linkMounter = ({ files }: MounterHost): Mounter => ({
  show: async (directory, mountDir) => {
    const before = await files.stat(mountDir)
    await files.rmdir(mountDir)
    try {
      await files.symlink(directory, mountDir)
    } catch (error) {
      await files.mkdir(mountDir, before?.mode ?? 0o750)
      throw error
    }
  },
  shows: async (directory, mountDir) => (await linkTarget(files, mountDir)) === directory,
})

/** Whether anything is seen at `mountDir`, by either mounter. */
export async function isShown({ files, mounts }: MounterHost, mountDir: string): Promise<boolean> {
  return (await linkTarget(files, mountDir)) !== undefined || (await mounts.under(mountDir)).length > 0
}

/**
 * Takes away whatever is shown at `mountDir`, by either mounter and however often; false when there was nothing.
 * A symlink of ours goes whole: the kubelet is content with a mount directory that is gone.
 */
export async function hide({ files, mounts }: MounterHost, mountDir: string, volumesDir: string): Promise<boolean> {
  const unmounted = await unmountAll({ mounts }, mountDir)
  const target = await linkTarget(files, mountDir)
  if (target === undefined) return unmounted
  if (!target.startsWith(`${volumesDir}/`))
    throw new DriverError('MOUNT_DIR_INVALID', 'the mount directory is a symlink')
  await files.unlink(mountDir)
  return true
}

const ROUNDS = 8

/** Unmounts what is at or below a path, the uppermost first (W9, W10); `VOLUME_BUSY` when something stays. */
export async function unmountAll({ mounts }: Pick<Host, 'mounts'>, path: string): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    const there = await mounts.under(path)
    if (there.length === 0) return round > 0
    for (const { target } of there) await unmountOne({ mounts }, target)
  }
  throw new DriverError('VOLUME_BUSY', 'something is mounted again and again')
}

async function unmountOne({ mounts }: Pick<Host, 'mounts'>, target: string): Promise<void> {
  try {
    await mounts.unmount(target)
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    if (error.code === 'HOST_BUSY') throw new DriverError('VOLUME_BUSY', 'a process still uses the volume', error)
    // Propagation from another mount may have been quicker.
    if (error.code !== 'HOST_NOT_MOUNTED') throw error
  }
}

async function linkTarget(files: Host['files'], path: string): Promise<string | undefined> {
  return (await files.stat(path))?.kind === 'symlink' ? await files.readlink(path) : undefined
}

/** A mount names its root from the top of the file system it lies on, which need not be the top of the host. */
const showsRoot = ({ root }: Mount, directory: string): boolean =>
  root.endsWith(`/${directory.split('/').slice(-2).join('/')}`)

/** As above; the directory of the agent may also be a file system of its own, or lie near the top of one. */
const showsAgent = (mount: Mount, agentDir: string): boolean =>
  mount.root === '/' || agentDir.endsWith(mount.root) || showsRoot(mount, agentDir)
