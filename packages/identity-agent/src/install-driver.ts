/**
 * Puts the volume driver where the kubelet looks for it: whole, by rename, mode 0755, only when it differs, and looks at it
 * again afterwards. The kubelet runs it as root of the host, so that a directory which is a symlink, or which others own or
 * may write to, is refused.
 */
import { createHash } from 'node:crypto'
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
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
  if (directory.endsWith(`~${driver.name}`) && (await isMissing(plugins.at(directory)))) {
    await placeDirectory(plugins, directory, driver)
    return true
  }
  await using own = await openOwnDirectory(plugins.at(directory), driver.ownUid)
  if (await isInstalled(own, driver)) return false
  await place(own, driver)
  await verify(own, driver)
  return true
}

/** The kubelet overlooks names that begin with a dot. */
const draftOf = (name: string): string => `.${name}.new`

async function placeDirectory(plugins: OwnDirectory, directory: string, driver: Driver): Promise<void> {
  const draft = plugins.at(draftOf(directory))
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: MODE })
  try {
    await using own = await openOwnDirectory(draft, driver.ownUid)
    await place(own, driver)
    await verify(own, driver)
    await rename(draft, plugins.at(directory))
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  await plugins.sync()
}

async function place(own: OwnDirectory, { name, bytes }: Driver): Promise<void> {
  const draft = own.at(draftOf(name))
  await rm(draft, { recursive: true, force: true })
  try {
    await writeDraft(draft, bytes)
    await rename(draft, own.at(name))
  } catch (error) {
    await rm(draft, { force: true })
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
