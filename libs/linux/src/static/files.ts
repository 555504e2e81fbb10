import type { Files } from '@pallas/host'
import { native } from './native.ts'
import { asked } from './refusals.ts'

const { files } = native

export const staticFiles = (): Files => ({
  read: async (path, maxBytes) => asked(() => files.read(path, maxBytes)),
  readOwn: async (path, maxBytes) => asked(() => files.readOwn(path, maxBytes)),
  create: async (path, bytes, mode) => asked(() => files.create(path, bytes, mode)),
  createOwn: async (path, bytes, mode, gid) => asked(() => files.createOwn(path, bytes, mode, gid)),
  mkdir: async (path, mode) => asked(() => files.mkdir(path, mode)),
  mkdirs: async (path, mode) => asked(() => files.mkdirs(path, mode)),
  symlink: async (target, path) => asked(() => files.symlink(target, path)),
  readlink: async (path) => asked(() => files.readlink(path)),
  rename: async (from, to) => asked(() => files.rename(from, to)),
  link: async (existing, path) => asked(() => files.link(existing, path)),
  unlink: async (path) => asked(() => files.unlink(path)),
  rmdir: async (path) => asked(() => files.rmdir(path)),
  discard: async (path) => asked(() => files.discard(path)),
  list: async (path) => asked(() => files.list(path)),
  stat: async (path) => asked(() => files.stat(path)),
  syncDirectory: async (path) => asked(() => files.syncDirectory(path)),
  tryLock: async (path, kind) => held(asked(() => native.tryLock(path, kind === 'exclusive'))),
})

function held(lock: number | undefined): AsyncDisposable | undefined {
  if (lock === undefined) return undefined
  return { [Symbol.asyncDispose]: async () => native.unlock(lock) }
}
