/**
 * One at a time, across processes: an abstract socket of the kernel, which no file outlives and which the death of its
 * holder, however sudden, sets free.
 */
import { createServer } from 'node:net'
import { until } from './until.ts'

export interface LockOptions {
  readonly deadlineMs: number
  /** Called once, when somebody else has it. */
  readonly onWait?: () => void
  readonly signal?: AbortSignal | undefined
}

/** Throws `CLUSTER_BUSY` when it is not free within the deadline. */
export async function lock(name: string, { deadlineMs, onWait, signal }: LockOptions): Promise<AsyncDisposable> {
  let held: AsyncDisposable | undefined
  let told = false
  const attempt = async (): Promise<boolean> => {
    held = await listen(`\0pallas-cluster/${name}`)
    if (held === undefined && !told) onWait?.()
    told = true
    return held !== undefined
  }
  await until(attempt, { what: `the end of another command on ${name}`, deadlineMs, code: 'CLUSTER_BUSY', pollMs: 100, signal })
  if (held === undefined) throw new Error('a lock that was taken is not held')
  return held
}

/** Undefined when somebody listens there already. */
function listen(path: string): Promise<AsyncDisposable | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<AsyncDisposable | undefined>()
  const server = createServer((socket) => socket.destroy())
  const close = (): Promise<void> => new Promise((done) => void server.close(() => done()))
  server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
  server.listen({ path }, () => resolve({ [Symbol.asyncDispose]: close }))
  server.unref()
  return promise
}
