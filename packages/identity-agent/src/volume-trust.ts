/** One volume as it lies on the host, believed only when nobody but root (or the agent itself) could have made it so. */
import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { IdentityError } from '@pallas/identity'
import { type Handle, parseVolumeData, type VolumeData, volumePaths } from '@pallas/wire'

export interface Volume {
  readonly handle: Handle
  readonly data: VolumeData
  readonly paths: ReturnType<typeof volumePaths>
  /** Changes when the volume is made anew under the same handle. */
  readonly incarnation: string
}

export interface VolumeTrust {
  /** Owner besides root whose volumes are believed: the agent's own. */
  readonly ownUid: number
  /** Whether a volume may have the name that the original driver gives it, which whoever sees pod UIDs can compute (W4). */
  readonly unkeyedHandles: boolean
}

const DATA_LIMIT = 64 * 1_024
const WRITABLE_BY_OTHERS = 0o022

/**
 * Undefined when there is no such volume (any more). Throws `VOLUME_UNTRUSTED`, `fields.why` and `fields.part` saying what
 * is wrong with it: another owner, a mode that lets others write, a symlink, state that is not what the driver writes, or a
 * name that can be computed.
 */
export async function readVolume(volumesDir: string, handle: Handle, trust: VolumeTrust): Promise<Volume | undefined> {
  const { ownUid, unkeyedHandles } = trust
  const paths = volumePaths(volumesDir, handle)
  const root = await inspect(paths.root, 'directory', 'root', ownUid)
  if (root === undefined) return undefined
  for (const part of ['mount', 'connect'] as const) {
    if ((await inspect(paths[part], 'directory', part, ownUid)) === undefined) return undefined
  }
  const json = await readData(paths.data, ownUid)
  if (json === undefined) return undefined
  const data = parseVolumeData(json)
  if (!unkeyedHandles && handle === unkeyedHandleOf(data.mountDir)) throw untrusted('handle', 'unkeyed')
  return { handle, data, paths, incarnation: incarnationOf(root) }
}

/**
 * The pod that a volume claims to be of, though nothing of it may be believed: to be told to that pod, if the kubelet shows
 * it, and for nothing else.
 */
export async function claimedUid(volumesDir: string, handle: Handle): Promise<string | undefined> {
  try {
    await using file = await open(volumePaths(volumesDir, handle).data, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = await file.stat()
    return stats.isFile() && stats.size <= DATA_LIMIT ? parseVolumeData(await file.readFile('utf8')).uid : undefined
  } catch {
    return undefined
  }
}

/** As the original driver names its volumes (spec/athenz-suite.md 2.1). */
const unkeyedHandleOf = (mountDir: string): string => createHash('sha256').update(mountDir).digest('base64url')

/** Undefined when there is nothing. Cheap: tells whether a volume is still the one that was read. */
export async function incarnationAt(path: string): Promise<string | undefined> {
  const stats = await orAbsent(lstat(path))
  return stats === undefined ? undefined : incarnationOf(stats)
}

const incarnationOf = ({ dev, ino, birthtimeMs }: Stats): string => `${dev}:${ino}:${birthtimeMs}`

/** Throws `VOLUME_UNTRUSTED` for a directory that others may write to, and system errors when it is missing. */
export async function checkTrustedDirectory(path: string, ownUid: number): Promise<void> {
  check(await lstat(path), 'directory', basename(path), ownUid)
}

async function inspect(path: string, kind: 'directory' | 'file', part: string, ownUid: number) {
  const stats = await orAbsent(lstat(path))
  if (stats !== undefined) check(stats, kind, part, ownUid)
  return stats
}

function check(stats: Stats, kind: 'directory' | 'file', part: string, ownUid: number): void {
  if (kind === 'directory' ? !stats.isDirectory() : !stats.isFile()) throw untrusted(part, 'kind')
  if (stats.uid !== 0 && stats.uid !== ownUid) throw untrusted(part, 'owner')
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) throw untrusted(part, 'mode')
  if (kind === 'file' && stats.nlink !== 1) throw untrusted(part, 'links')
}

/** The descriptor that is checked is the one that is read. */
async function readData(path: string, ownUid: number): Promise<string | undefined> {
  const opened = open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  await using file = (await orAbsent(opened)) ?? null
  if (file === null) return undefined
  const stats = await file.stat()
  // Opened while the driver took the volume away.
  if (stats.nlink === 0) return undefined
  check(stats, 'file', 'data', ownUid)
  if (stats.size > DATA_LIMIT) throw untrusted('data', 'size')
  return file.readFile('utf8')
}

async function orAbsent<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'ENOTDIR') throw untrusted('data', 'kind')
    throw cause
  }
}

const untrusted = (part: string, why: string) =>
  new IdentityError('VOLUME_UNTRUSTED', 'a volume that others could have made', { part, why })
