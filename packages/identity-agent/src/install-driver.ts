/**
 * Puts the volume driver where the kubelet looks for it: whole, by rename, mode 0755, and only when it differs.
 *
 * A directory that is a symlink, or that others may write to, is refused: whoever can change it can run as root.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, lstat, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError } from './error.ts'

export interface InstallOptions {
  readonly source: string
  readonly target: string
}

const MODE = 0o755

/** True when the driver was new or another one. Throws `DRIVER_NOT_INSTALLED`. */
export async function installDriver({ source, target }: InstallOptions): Promise<boolean> {
  try {
    await checkDirectory(dirname(target))
    const driver = await readFile(source)
    if (await isInstalled(driver, target)) return false
    await place(driver, target)
    return true
  } catch (cause) {
    if (cause instanceof AgentError) throw cause
    throw new AgentError('DRIVER_NOT_INSTALLED', 'the volume driver cannot be copied', { source, target }, cause)
  }
}

async function checkDirectory(path: string): Promise<void> {
  const stats = await lstat(path)
  if (!stats.isDirectory()) throw untrusted(path, 'not a directory')
  if ((stats.mode & 0o022) !== 0) throw untrusted(path, 'others may write to it')
}

const untrusted = (path: string, why: string) =>
  new AgentError('DRIVER_NOT_INSTALLED', 'the directory of the driver cannot be trusted', { path, why })

async function isInstalled(driver: Uint8Array, target: string): Promise<boolean> {
  const stats = await lstat(target).catch(() => undefined)
  if (stats === undefined || !stats.isFile() || (stats.mode & 0o7777) !== MODE) return false
  return digest(await readFile(target)) === digest(driver)
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The kubelet overlooks names that begin with a dot. */
async function place(driver: Uint8Array, target: string): Promise<void> {
  const draft = `${dirname(target)}/.athenz-volume-driver.new`
  await unlink(draft).catch(() => undefined)
  try {
    await using file = await open(draft, 'wx', MODE)
    await file.writeFile(driver)
    await file.chmod(MODE)
    await file.sync()
  } catch (error) {
    await unlink(draft).catch(() => undefined)
    throw error
  }
  await rename(draft, target)
  await syncDirectory(dirname(target))
}

async function syncDirectory(path: string): Promise<void> {
  await using directory: FileHandle = await open(path, 'r')
  await directory.sync()
}
