/** Files of the machine, by `node:fs`. */
import type { CreateOptions, Files, FileStat } from '@pallas/host'
import { HostError } from '@pallas/host'
import { constants, type Stats } from 'node:fs'
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises'
import { type ErrnoCodes, errnoOf, fileError } from './host-error.ts'
import { tryLock } from './lock.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const CHUNK = 64 * 1024

export const nodeFiles = (): Files => ({
  read: (path, maxBytes) => at(path, () => read(path, maxBytes)),
  readOwn: (path, maxBytes) => at(path, () => readOwn(path, maxBytes)),
  create: (path, bytes, mode, options) => at(path, () => create(path, { bytes, mode, ...options })),
  createOwn: (path, bytes, mode, gid) => at(path, () => createOwn(path, { bytes, mode, gid })),
  mkdir: (path, mode) => at(path, () => makeDirectory(path, mode)),
  mkdirs: (path, mode) => at(path, () => makeDirectories(path, mode)),
  symlink: (target, path) => at(path, () => symlink(target, path)),
  readlink: (path) => at(path, () => readlink(path), { EINVAL: 'HOST_WRONG_KIND' }),
  rename: (from, to) => at(from, () => at(to, () => rename(from, to), { EEXIST: 'HOST_NOT_EMPTY' })),
  link: (existing, path) => at(existing, () => at(path, () => link(existing, path))),
  unlink: (path) => at(path, () => absentIsFine(unlink(path), 'ENOENT', 'ENOTDIR')),
  rmdir: (path) => at(path, () => absentIsFine(rmdir(path), 'ENOENT'), { EEXIST: 'HOST_NOT_EMPTY' }),
  discard: (path) => at(path, () => discard(path)),
  list: (path) => at(path, async () => (await readdir(path)).sort()),
  stat: (path) => at(path, () => absentIsFine(lstat(path).then(statOf), 'ENOENT', 'ENOTDIR')),
  syncDirectory: (path) => at(path, () => syncDirectory(path)),
  tryLock: (path, kind) => at(path, () => tryLock(path, kind)),
})

/** Runs a call on an absolute path; what it throws becomes a `HostError`. */
async function at<T>(path: string, call: () => Promise<T>, codes: ErrnoCodes = {}): Promise<T> {
  if (!path.startsWith('/') || !path.isWellFormed()) throw new HostError('HOST_IO', 'not an absolute path', { path })
  try {
    return await call()
  } catch (error) {
    throw fileError(path, error, codes)
  }
}

async function absentIsFine<T>(call: Promise<T>, ...absent: readonly string[]): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (absent.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

async function read(path: string, maxBytes: number): Promise<Uint8Array> {
  // A FIFO without a writer would keep the call for ever.
  await using file = await open(path, O_RDONLY | O_NONBLOCK)
  return await contentOf(file, path, maxBytes)
}

async function readOwn(path: string, maxBytes: number): Promise<Uint8Array> {
  const cut = path.lastIndexOf('/')
  await using directory = await openOwn(path.slice(0, cut) || '/', { path, flags: O_DIRECTORY, owners: [ownUser(), 0] })
  await using file = await openOwn(`${within(directory)}${path.slice(cut)}`, { path, flags: O_NONBLOCK, owners: [ownUser()] })
  return await contentOf(file, path, maxBytes)
}

async function discard(path: string): Promise<void> {
  await using directory = await absentIsFine(openOwn(path, { path, flags: O_DIRECTORY, owners: [ownUser()] }), 'ENOENT')
  if (directory === undefined) return
  const inside = within(directory)
  // Names are bytes, which need not be text; whoever else discards it may have been faster with any of them.
  const names = await readdir(inside, { encoding: 'buffer' })
  for (const name of names) await absentIsFine(unlink(Buffer.concat([Buffer.from(`${inside}/`), name])), 'ENOENT')
  await absentIsFine(rmdir(path), 'ENOENT')
}

const ownUser = (): number => process.geteuid?.() ?? 0

/** The way to what was opened, by which no rename leads elsewhere. */
const within = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`

interface OwnOpening {
  /** As the caller called it. */
  readonly path: string
  readonly flags: number
  readonly owners: readonly number[]
}

async function openOwn(where: string, { path, flags, owners }: OwnOpening): Promise<FileHandle> {
  const file = await open(where, O_RDONLY | O_NOFOLLOW | flags)
  try {
    if (owners.includes((await file.stat()).uid)) return file
    throw new HostError('HOST_DENIED', 'it belongs to another user', { path })
  } catch (error) {
    await file.close()
    throw error
  }
}

async function contentOf(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  if (!(await file.stat()).isFile()) throw new HostError('HOST_WRONG_KIND', 'not a regular file', { path })
  const parts: Uint8Array[] = []
  let length = 0
  // Files of procfs say that they are empty, so that only reading tells the end.
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(CHUNK, maxBytes - length + 1)))
    if (bytesRead === 0) return joined(parts)
    length += bytesRead
    if (length > maxBytes) throw new HostError('HOST_TOO_LARGE', 'the file is longer than allowed', { path, maxBytes })
    parts.push(buffer.subarray(0, bytesRead))
  }
}

/** A plain `Uint8Array` of its own, so that no caller comes to lean on `Buffer`. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.concat(parts)
  return new Uint8Array(buffer, byteOffset, length)
}

interface NewFile extends CreateOptions {
  readonly bytes: Uint8Array
  readonly mode: number
}

async function create(path: string, content: NewFile): Promise<void> {
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, content.mode)
  try {
    await fill(file, content)
  } catch (error) {
    await unlink(path).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}

interface OwnFile extends NewFile {
  readonly gid: number | undefined
}

async function createOwn(path: string, { gid, ...content }: OwnFile): Promise<void> {
  const cut = path.lastIndexOf('/')
  await using directory = await openOwn(path.slice(0, cut) || '/', { path, flags: O_DIRECTORY, owners: [ownUser()] })
  if (gid !== undefined && (await directory.stat()).gid !== gid) {
    throw new HostError('HOST_DENIED', 'the directory belongs to another group', { path })
  }
  await create(`${within(directory)}${path.slice(cut)}`, content)
}

async function fill(file: FileHandle, { bytes, mode, synced = true }: NewFile): Promise<void> {
  await file.chmod(mode)
  await file.writeFile(bytes)
  if (synced) await file.sync()
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, mode)
  await using directory = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  await directory.chmod(mode)
}

async function makeDirectories(path: string, mode: number): Promise<void> {
  try {
    await makeDirectory(path, mode)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return await mustBeDirectory(path)
    if (errno !== 'ENOENT') throw error
    await makeDirectories(path.slice(0, Math.max(path.lastIndexOf('/'), 1)), mode)
    await makeDirectories(path, mode)
  }
}

async function mustBeDirectory(path: string): Promise<void> {
  await using _directory = await open(path, O_RDONLY | O_DIRECTORY)
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  await directory.sync()
}

const statOf = (stats: Stats): FileStat => ({
  kind: kindOf(stats),
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  isOwn: stats.uid === ownUser(),
  gid: stats.gid,
  size: stats.size,
})

function kindOf(stats: Stats): FileStat['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  return stats.isSocket() ? 'socket' : 'other'
}
