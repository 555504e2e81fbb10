import { randomBytes } from 'node:crypto'
import { chmod, lstat, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type Server as NetServer } from 'node:net'
import { dirname, join } from 'node:path'
import { ServiceError } from './error.ts'

/** What fits `sun_path`, in bytes, with its closing zero. */
const PATH_LIMIT = 107
/** As many as Linux lets wait by default: where all that wait are one caller's, there is still room for another. */
const BACKLOG = 4_096

export interface ListenUnixOptions {
  readonly path: string
  /** Exactly this, whatever the umask: 0o666 for a socket that any pod user may call. */
  readonly mode: number
}

/**
 * Listens on a socket file that appears with its final mode in one step. Throws `SERVICE_SOCKET_PATH` for a path that is
 * too long and `SERVICE_SOCKET_BUSY` when somebody answers there or something else lies there; a stale socket is replaced.
 * Disposing closes the server and removes the file if it is still ours.
 */
export async function listenUnix(server: NetServer, { path, mode }: ListenUnixOptions): Promise<AsyncDisposable> {
  const fresh = join(dirname(path), `.${randomBytes(3).toString('hex')}`)
  for (const name of [path, fresh]) {
    const bytes = Buffer.byteLength(name)
    if (bytes > PATH_LIMIT) throw new ServiceError('SERVICE_SOCKET_PATH', 'socket path is too long', { path, bytes, limit: PATH_LIMIT })
  }
  await refuseIfTaken(path)
  await listen(server, fresh, path)
  try {
    await chmod(fresh, mode)
    await rename(fresh, path)
  } catch (cause) {
    await close(server)
    await rm(fresh, { force: true })
    throw new ServiceError('SERVICE_LISTEN', 'cannot put the socket in place', { path }, cause)
  }
  const ours = await identityOf(path)
  return {
    async [Symbol.asyncDispose]() {
      await close(server)
      if (ours !== undefined && (await identityOf(path)) === ours) await rm(path, { force: true })
    },
  }
}

async function refuseIfTaken(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new ServiceError('SERVICE_SOCKET_BUSY', 'something else lies at the socket path', { path })
  if (await answers(path)) throw new ServiceError('SERVICE_SOCKET_BUSY', 'another process listens there', { path })
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
