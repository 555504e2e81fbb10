import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, open, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type Server as NetServer } from 'node:net'
import { basename, dirname } from 'node:path'
import { ServiceError } from './error.ts'
import { HeldDirectory, holdPrivateDirectory } from './held-directory.ts'

/** What fits `sun_path`, in bytes, with its closing zero. */
const PATH_LIMIT = 107
/** As many as Linux lets wait by default: where all that wait are one caller's, there is still room for another. */
const BACKLOG = 4_096
/** Of Linux (`fcntl.h`), which Node does not name: a descriptor of whatever lies there, not of what it leads to. */
const O_PATH = 0o10000000

export interface ListenUnixOptions {
  readonly path: string
  /** Exactly this, whatever the umask: 0o666 for a socket that any pod user may call. */
  readonly mode: number
  /** Directory of this user alone, on the mount of `path`, made when it is missing: the socket is made there. */
  readonly makeIn: string
  /** Owner besides root whose `makeIn` is believed. */
  readonly ownUid: number
}

/**
 * Listens on a socket file that appears with its final mode in one step. Throws `SERVICE_SOCKET_PATH` for a path that is
 * too long and `SERVICE_SOCKET_BUSY` when somebody answers there or something else lies there; a stale socket is replaced.
 * Disposing closes the server and removes the file if it is still ours.
 *
 * Others may write to the directory of the path and put there what they like: what is made and changed is made and changed where they
 * cannot, and comes into the directory that was opened, whatever its path leads to by then.
 */
export async function listenUnix(server: NetServer, { path, mode, makeIn, ownUid }: ListenUnixOptions): Promise<AsyncDisposable> {
  const bytes = Buffer.byteLength(path)
  if (bytes > PATH_LIMIT) throw new ServiceError('SERVICE_SOCKET_PATH', 'socket path is too long', { path, bytes, limit: PATH_LIMIT })
  await using scope = new AsyncDisposableStack()
  const directory = scope.use(await openDirectoryOf(path))
  const at = directory.at(basename(path))
  await refuseIfTaken(at, path)
  const ours = await appear(server, { at, path, mode, makeIn, ownUid })
  scope.defer(async () => {
    await close(server)
    if ((await identityOf(at)) === ours) await rm(at, { force: true })
  })
  return scope.move()
}

async function openDirectoryOf(path: string): Promise<HeldDirectory> {
  try {
    return await HeldDirectory.open(dirname(path))
  } catch (cause) {
    throw new ServiceError('SERVICE_LISTEN', 'cannot open the directory of the socket', { path }, cause)
  }
}

/** Identity of the file that is now there. */
async function appear(server: NetServer, { at, path, mode, makeIn, ownUid }: ListenUnixOptions & { readonly at: string }) {
  await using workshop = await holdPrivateDirectory(makeIn, ownUid)
  const fresh = workshop.at(randomBytes(6).toString('hex'))
  await listen(server, fresh, path)
  try {
    await chmod(fresh, mode)
    const ours = await identityOf(fresh)
    await rename(fresh, at)
    return ours
  } catch (cause) {
    await close(server)
    await rm(fresh, { force: true })
    throw new ServiceError('SERVICE_LISTEN', 'cannot put the socket in place', { path }, cause)
  }
}

async function refuseIfTaken(at: string, path: string): Promise<void> {
  await using found = (await open(at, O_PATH | constants.O_NOFOLLOW).catch(orAbsent)) ?? null
  if (found === null) return
  if (!(await found.stat()).isSocket()) throw new ServiceError('SERVICE_SOCKET_BUSY', 'something else lies at the socket path', { path })
  // The one that was looked at, whatever lies there by now.
  if (await answers(`/proc/self/fd/${found.fd}`)) throw new ServiceError('SERVICE_SOCKET_BUSY', 'another process listens there', { path })
}

function orAbsent(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

/** Only a refused connection proves that nobody listens; a full backlog is somebody. */
function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ path })
  socket.once('connect', () => resolve(true))
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'))
  return promise.finally(() => socket.destroy())
}

function listen(server: NetServer, at: string, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (cause: Error): void => reject(new ServiceError('SERVICE_LISTEN', 'cannot listen', { path }, cause))
  server.once('error', failed).listen({ path: at, backlog: BACKLOG }, () => {
    server.off('error', failed)
    resolve()
  })
  return promise
}

function close(server: NetServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  if ('closeIdleConnections' in server) (server as Server).closeIdleConnections()
  return promise
}

async function identityOf(path: string): Promise<string | undefined> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined)
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
}
