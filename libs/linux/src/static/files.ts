import type { Files } from '@pallas/host'
import { native } from './native.ts'
import { asked, bytewise } from './refusals.ts'

const { files } = native

export const staticFiles = (): Files => ({
  read: async (path, maxBytes) => asked(() => files.read(bytewise(path), maxBytes)),
  readOwn: async (path, maxBytes) => asked(() => files.readOwn(bytewise(path), maxBytes)),
  create: async (path, bytes, mode, { synced = true } = {}) => asked(() => files.create(bytewise(path), bytes, mode, synced)),
  createOwn: async (path, bytes, mode, gid) => asked(() => files.createOwn(bytewise(path), bytes, mode, gid)),
  mkdir: async (path, mode) => asked(() => files.mkdir(bytewise(path), mode)),
  mkdirs: async (path, mode) => asked(() => files.mkdirs(bytewise(path), mode)),
  symlink: async (target, path) => asked(() => files.symlink(bytewise(target), bytewise(path))),
  readlink: async (path) => asked(() => files.readlink(bytewise(path))),
  rename: async (from, to) => asked(() => files.rename(bytewise(from), bytewise(to))),
  link: async (existing, path) => asked(() => files.link(bytewise(existing), bytewise(path))),
  unlink: async (path) => asked(() => files.unlink(bytewise(path))),
  rmdir: async (path) => asked(() => files.rmdir(bytewise(path))),
  discard: async (path) => asked(() => files.discard(bytewise(path))),
  list: async (path) => asked(() => files.list(bytewise(path))),
  stat: async (path) => asked(() => files.stat(bytewise(path))),
  syncDirectory: async (path) => asked(() => files.syncDirectory(bytewise(path))),
  tryLock: async (path, kind) => held(asked(() => native.tryLock(bytewise(path), kind === 'exclusive'))),
})

function held(lock: number | undefined): AsyncDisposable | undefined {
  if (lock === undefined) return undefined
  return { [Symbol.asyncDispose]: async () => native.unlock(lock) }
}
