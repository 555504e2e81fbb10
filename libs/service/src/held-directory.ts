/** A directory held open: what is done in it is done in the one that was looked at, wherever its path leads by then. */
import { constants, type Stats } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { ServiceError } from './error.ts'

export class HeldDirectory implements AsyncDisposable {
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Never through a symlink at its end. Rejects with the system's error. */
  static async open(path: string): Promise<HeldDirectory> {
    return new HeldDirectory(await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW))
  }

  /** The way to a name in it. */
  at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`
  }

  stat(): Promise<Stats> {
    return this.#handle.stat()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close()
  }
}

const OF_OTHERS = 0o077

/**
 * A directory that nobody else sees into, made when it is missing. Throws `SERVICE_LISTEN` for one that others may enter or own, and
 * for what is none.
 */
export async function holdPrivateDirectory(path: string, ownUid: number): Promise<HeldDirectory> {
  let held: HeldDirectory
  try {
    await mkdir(path, { mode: 0o700 }).catch(ignoreExisting)
    held = await HeldDirectory.open(path)
  } catch (cause) {
    throw new ServiceError('SERVICE_LISTEN', 'there is no directory to make sockets in', { path }, cause)
  }
  const { uid, mode } = await held.stat()
  if ((uid === 0 || uid === ownUid) && (mode & OF_OTHERS) === 0) return held
  await held[Symbol.asyncDispose]()
  throw new ServiceError('SERVICE_LISTEN', 'others see into the directory to make sockets in', { path })
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}
