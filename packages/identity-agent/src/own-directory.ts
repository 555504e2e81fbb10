/** A directory that only root or the agent can change, held open, so that what is done in it is done in the one that was looked at. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AgentError } from './error.ts'

export interface OwnDirectory extends AsyncDisposable {
  /** The way to a name in it, by which no rename and no symlink leads elsewhere. */
  at(name: string): string
  /** What was done in it outlasts a crash of the machine. */
  sync(): Promise<void>
}

/** Throws `DRIVER_NOT_INSTALLED` for what is no directory, is a symlink, belongs to another or may be written to by others. */
export async function openOwnDirectory(path: string, ownUid: number): Promise<OwnDirectory> {
  const handle = await openDirectory(path)
  try {
    const { uid, mode } = await handle.stat()
    if (uid !== 0 && uid !== ownUid) throw untrusted(path, 'it belongs to somebody else')
    if ((mode & 0o022) !== 0) throw untrusted(path, 'others may write to it')
  } catch (error) {
    await handle.close()
    throw error
  }
  return {
    at: (name) => `/proc/self/fd/${handle.fd}/${name}`,
    sync: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

async function openDirectory(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (isNotADirectory(error)) throw untrusted(path, 'not a directory')
    throw error
  }
}

/** The kernel says one or the other of a symlink. */
const isNotADirectory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOTDIR' || error.code === 'ELOOP')

const untrusted = (path: string, why: string) =>
  new AgentError('DRIVER_NOT_INSTALLED', 'the directory of the driver cannot be trusted', { path, why })
