/** `flock(2)` on a file or directory: the kernel's own lock, which ends with the process that holds it. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { callError } from './host-error.ts'
import { libc } from './libc.ts'

const KINDS = { shared: 1, exclusive: 2 } as const
const LOCK_NB = 4

export async function tryLock(path: string, kind: 'shared' | 'exclusive'): Promise<AsyncDisposable | undefined> {
  const { flock, errno } = libc()
  await using scope = new AsyncDisposableStack()
  const file = scope.use(await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW))
  if (flock(file.fd, KINDS[kind] | LOCK_NB) === 0) return scope.move()
  const why = errno()
  if (why === 'EAGAIN') return undefined
  throw callError('flock', why, { path })
}
