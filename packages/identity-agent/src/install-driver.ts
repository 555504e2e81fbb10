/**
 * Puts the volume driver where the kubelet looks for it: whole, by rename, mode 0755, only when it differs, and looks at it
 * again afterwards. The kubelet runs it as root of the host, so that a directory which is a symlink, or which others own or
 * may write to, is refused.
 */
import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { AgentError } from './error.ts'
import { openOwnDirectory, type OwnDirectory } from './own-directory.ts'

export interface InstallOptions {
  readonly source: string
  readonly target: string
  /** Who the agent runs as. */
  readonly ownUid: number
}

const MODE = 0o755

interface Driver {
  readonly name: string
  readonly bytes: Uint8Array
  readonly digest: string
  readonly ownUid: number
}

/** True when the driver was new or another one. Throws `DRIVER_NOT_INSTALLED`. */
export async function installDriver({ source, target, ownUid }: InstallOptions): Promise<boolean> {
  try {
    const bytes = await readFile(source)
    const driver = { name: basename(target), bytes, digest: digestOf(bytes), ownUid }
    await using plugins = await openOwnDirectory(dirname(dirname(target)), ownUid)
    return await installBelow(plugins, basename(dirname(target)), driver)
  } catch (cause) {
    if (cause instanceof AgentError) throw cause
    throw new AgentError('DRIVER_NOT_INSTALLED', 'the volume driver cannot be copied', { source, target }, cause)
  }
}

/**
 * The kubelet calls a driver's directory `<vendor>~<driver>`; a missing one of that name is made whole beside and renamed
 * into place, so that the kubelet never finds it empty. One of another name is a mount that was forgotten.
 */
async function installBelow(plugins: OwnDirectory, directory: string, driver: Driver): Promise<boolean> {
  const isPlaced =
    directory.endsWith(`~${driver.name}`) && (await isMissing(plugins.at(directory))) && (await placeDirectory(plugins, directory, driver))
  if (isPlaced) return true
  await using own = await openOwnDirectory(plugins.at(directory), driver.ownUid)
  if (await isInstalled(own, driver)) return false
  await place(own, driver)
  await verify(own, driver)
  return true
}

/** The kubelet overlooks names that begin with a dot. Of its own, for an agent of another version may install beside this one. */
const draftOf = (name: string): string => `.${name}.${randomBytes(8).toString('hex')}.new`

/** An agent that still works has begun its draft later than this before. */
const ABANDONED_MS = 600_000

/** Removes what agents that were killed have left, by the clock of the file system that `draft` was just made on. */
async function sweepDrafts(own: OwnDirectory, name: string, draft: string): Promise<void> {
  const { mtimeMs: now } = await lstat(own.at(draft))
  for (const each of await readdir(own.at('.'))) {
    if (!each.startsWith(`.${name}.`) || !each.endsWith('.new')) continue
    const stats = await lstat(own.at(each)).catch(() => undefined)
    if (stats !== undefined && now - stats.mtimeMs > ABANDONED_MS) await rm(own.at(each), { recursive: true, force: true })
  }
}

/** False when another agent was faster: its directory is there, and is looked at as any other. */
async function placeDirectory(plugins: OwnDirectory, directory: string, driver: Driver): Promise<boolean> {
  const draft = draftOf(directory)
  await mkdir(plugins.at(draft), { mode: MODE })
  try {
    await using own = await openOwnDirectory(plugins.at(draft), driver.ownUid)
    await sweepDrafts(plugins, directory, draft)
    await place(own, driver)
    await verify(own, driver)
    await rename(plugins.at(draft), plugins.at(directory))
  } catch (error) {
    await rm(plugins.at(draft), { recursive: true, force: true })
    if (isTaken(error)) return false
    throw error
  }
  await plugins.sync()
  return true
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')

async function place(own: OwnDirectory, { name, bytes }: Driver): Promise<void> {
  const draft = draftOf(name)
  try {
    await writeDraft(own.at(draft), bytes)
    await sweepDrafts(own, name, draft)
    await rename(own.at(draft), own.at(name))
  } catch (error) {
    await rm(own.at(draft), { force: true })
    throw error
  }
  await own.sync()
}

async function writeDraft(draft: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(draft, 'wx', MODE)
  await file.writeFile(bytes)
  await file.chmod(MODE)
  await file.sync()
}

async function verify(own: OwnDirectory, driver: Driver): Promise<void> {
  if (await isInstalled(own, driver)) return
  throw new AgentError('DRIVER_NOT_INSTALLED', 'the installed volume driver is not the one that was copied', { name: driver.name })
}

/** A file that another owns could be another one tomorrow. */
async function isInstalled(own: OwnDirectory, { name, digest, ownUid }: Driver): Promise<boolean> {
  const path = own.at(name)
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined || !stats.isFile() || (stats.mode & 0o7777) !== MODE) return false
  if (stats.uid !== 0 && stats.uid !== ownUid) return false
  return digestOf(await readFile(path)) === digest
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function isMissing(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true
      throw error
    },
  )
}
