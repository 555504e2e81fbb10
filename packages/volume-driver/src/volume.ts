/**
 * One volume tree: built aside and renamed into place, found by its mount directory, taken away by name (rule 3,
 * W10).
 */
import { type Files, type FileStat, type Host, HostError } from '@pallas/host'
import {
  formatVolumeData,
  type Handle,
  isHandle,
  parseVolumeData,
  SOCKETS,
  VOLUME_MODES,
  type VolumeData,
  volumePaths,
} from '@pallas/wire'
import { DriverError } from './error.ts'
import { unmountAll } from './mounter.ts'

export type VolumeHost = Pick<Host, 'files' | 'keys' | 'mounts'>

export interface Volume {
  readonly handle: Handle
  readonly paths: ReturnType<typeof volumePaths>
  /** Undefined when the tree has the name of the volume but its state cannot be read, as the original driver's. */
  readonly data: VolumeData | undefined
}

const DATA_LIMIT = 16_384
const SHARED_MODES = 0o022

/** Throws `VOLUMES_DIR_UNTRUSTED` unless only its owner may write there; makes it when it is missing. */
export async function openVolumesDir(files: Files, volumesDir: string): Promise<void> {
  await files.mkdirs(volumesDir, VOLUME_MODES.root)
  if (!isOwnersAlone(await files.stat(volumesDir), 'directory')) throw untrusted()
}

/** Every tree there is, or those of the names given, each with what it says. */
export async function readVolumes(
  volumesDir: string,
  files: Files,
  names?: readonly Handle[],
): Promise<readonly Volume[]> {
  const volumes: Volume[] = []
  const owner = (await files.stat(volumesDir))?.uid
  for (const handle of names ?? (await files.list(volumesDir)).filter(isHandle)) {
    const paths = volumePaths(volumesDir, handle)
    if ((await files.stat(paths.root)) === undefined) continue
    volumes.push({ handle, paths, data: await readData(paths, files, owner) })
  }
  return volumes
}

async function readData(
  { root, data }: Volume['paths'],
  files: Files,
  owner: number | undefined,
): Promise<VolumeData | undefined> {
  try {
    const [tree, state] = [await files.stat(root), await files.stat(data)]
    if (!isOwnersAlone(tree, 'directory') || !isOwnersAlone(state, 'file')) return undefined
    if (tree?.uid !== owner || state?.uid !== owner) return undefined
    return parseVolumeData(new TextDecoder().decode(await files.read(data, DATA_LIMIT)))
  } catch {
    return undefined
  }
}

const untrusted = () =>
  new DriverError('VOLUMES_DIR_UNTRUSTED', 'others than its owner may write to the directory of volumes')

const isOwnersAlone = (stat: FileStat | undefined, kind: FileStat['kind']): boolean =>
  stat?.kind === kind && (stat.mode & SHARED_MODES) === 0

/** Whether a pod that sees the tree sees all that it should. */
export async function isWhole({ handle, paths }: Volume, files: Files): Promise<boolean> {
  if (!(await isDirectory(paths.connect, files)) || (await files.stat(paths.id))?.kind !== 'file') return false
  return new TextDecoder().decode(await files.read(paths.id, DATA_LIMIT)) === handle
}

export interface BuildRequest {
  readonly volumesDir: string
  readonly handle: Handle
  readonly data: VolumeData
}

/**
 * The tree appears whole, or not at all. It is not forced to disk: a loss of power ends the pod and every mount, the next call for
 * the pod then makes the tree anew, and until there is one neither driver nor agent believes one whose state is not whole.
 */
export async function buildVolume({ volumesDir, handle, data }: BuildRequest, host: VolumeHost): Promise<Volume> {
  const { files } = host
  const encoder = new TextEncoder()
  const aside = asidePaths(volumesDir, handle)
  await deleteTree(aside.root, host)
  await using undo = new AsyncDisposableStack()
  undo.defer(() => leaveQuietly(deleteTree(aside.root, host)))
  await files.mkdir(aside.root, VOLUME_MODES.root)
  if ((await files.stat(aside.root))?.uid !== (await files.stat(volumesDir))?.uid) throw untrusted()
  await files.mkdir(aside.mount, VOLUME_MODES.mount)
  await files.mkdir(aside.connect, VOLUME_MODES.connect)
  await files.create(aside.id, encoder.encode(handle), VOLUME_MODES.id, UNSYNCED)
  await files.create(aside.data, encoder.encode(formatVolumeData(data)), VOLUME_MODES.state, UNSYNCED)
  const paths = volumePaths(volumesDir, handle)
  await files.rename(aside.root, paths.root)
  undo.move()
  return { handle, paths, data }
}

const UNSYNCED = { synced: false } as const

/** The same layout under the name of a tree that is being built, which is no handle and therefore no volume. */
const asidePaths = (volumesDir: string, handle: Handle): Volume['paths'] =>
  volumePaths(volumesDir, `.${handle}` as Handle)

/**
 * Renamed away first, so that nobody takes a half-removed tree for a volume. Throws `VOLUME_BUSY` while a mount
 * stays.
 */
export async function discardVolume({ handle, paths }: Volume, volumesDir: string, host: VolumeHost): Promise<void> {
  const { files, keys } = host
  await unmountAll(host, paths.root)
  const removed = `${volumesDir}/.removed-${handle}-${keys.randomBytes(4).toHex()}`
  await files.rename(paths.root, removed)
  await files.syncDirectory(volumesDir)
  // Looked at again: under its old name anybody could mount on it until now.
  await deleteTree(removed, host)
}

/**
 * Takes away what ended calls left behind. Only for who holds the directory of volumes alone: what begins with a dot
 * then belongs to nobody, but for the directory where the agent makes sockets. A leftover that holds something unknown stays.
 */
export async function sweepLeftovers(volumesDir: string, host: VolumeHost): Promise<void> {
  for (const name of (await host.files.list(volumesDir)).filter(isLeftover)) {
    await leaveQuietly(deleteTree(`${volumesDir}/${name}`, host))
  }
}

export const isLeftover = (name: string): boolean => name.startsWith('.') && name !== SOCKETS

/** A later call tries again: nothing of this may stand in the way of the answer. */
async function leaveQuietly(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof HostError) && !(error instanceof DriverError)) throw error
  }
}

/**
 * Deletes by known names, bottom up; `HOST_NOT_EMPTY` when there are others, `VOLUME_BUSY` when a mount is at or
 * below it. Never goes through a symlink or a mount, and not into a tree that others may change meanwhile: those stay.
 */
async function deleteTree(root: string, { files, mounts }: VolumeHost): Promise<void> {
  const tree = await files.stat(root)
  if (!isOwnersAlone(tree, 'directory') || tree?.isOwn !== true) return
  if ((await mounts.under(root)).length > 0) throw new DriverError('VOLUME_BUSY', 'something is mounted in the volume')
  const mount = `${root}/mount`
  const connect = `${mount}/connect`
  if (await isDirectory(mount, files)) {
    if (await isDirectory(connect, files)) {
      await deleteEntries(connect, files, (_name, kind) => kind === 'socket')
      await files.rmdir(connect)
    }
    await deleteEntries(mount, files, (name) => name === 'id')
    await files.rmdir(mount)
  }
  await deleteEntries(root, files, (name, kind) => kind === 'file' && STATE.test(name))
  await files.rmdir(root)
}

/** State of driver and agent, and what either was writing when it ended. */
const STATE = /^\.?(data|context)\.json(\.[\w.-]+)?$/

const isDirectory = async (path: string, files: Files): Promise<boolean> =>
  (await files.stat(path))?.kind === 'directory'

async function deleteEntries(
  directory: string,
  files: Files,
  known: (name: string, kind: FileStat['kind'] | undefined) => boolean,
): Promise<void> {
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`
    if (known(name, (await files.stat(path))?.kind)) await files.unlink(path)
  }
}
