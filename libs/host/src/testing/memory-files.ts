import type { Files, FileStat } from '../files.ts'
import type { MemoryLocks } from './memory-locks.ts'
import {
  type DirectoryNode,
  type MemoryTree,
  newDirectory,
  type Node,
  type Place,
  refused,
  type Spot,
} from './memory-tree.ts'

export interface MemoryFilesDeps {
  readonly tree: MemoryTree
  readonly locks: MemoryLocks
  /** Owner of what is made. */
  readonly uid: number
}

/** The files of a machine in memory. Modes are kept, not enforced. */
export function memoryFiles({ tree, locks, uid }: MemoryFilesDeps): Files {
  const absent = (path: string): Spot => {
    const spot = tree.walk(path)
    if (spot.node !== undefined) throw refused('HOST_EXISTS', path, 'EEXIST')
    writable(spot.parent, path)
    return spot
  }
  const mkdir = (path: string, mode: number) => {
    const spot = absent(path)
    put(spot, { ...newDirectory(mode, uid), gid: groupIn(spot, uid) })
  }
  const mkdirs = (path: string, mode: number): void => {
    const missing: string[] = []
    for (let at = path; at !== '' && existing(tree, at) === undefined; at = parentPath(at)) missing.unshift(at)
    for (const each of missing) mkdir(each, mode)
    tree.directory(path)
  }

  return {
    read: async (path, maxBytes) => {
      const { node } = tree.walk(path, true)
      if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
      if (node.kind !== 'file') throw refused('HOST_WRONG_KIND', path)
      if (node.bytes.length > maxBytes) throw refused('HOST_TOO_LARGE', path)
      return node.bytes.slice()
    },
    readOwn: async (path, maxBytes) => readOwn(tree, path, { maxBytes, uid }),
    create: async (path, bytes, mode) => put(absent(path), { kind: 'file', mode, uid, gid: uid, bytes: bytes.slice() }),
    createOwn: async (path, bytes, mode, group) => {
      if (path.endsWith('/')) throw refused('HOST_WRONG_KIND', path, 'EISDIR')
      const directory = tree.walk(parentPath(path) || '/').node
      if (directory?.kind === 'symlink') throw refused('HOST_WRONG_KIND', path)
      if (directory !== undefined && (directory.uid !== uid || directory.gid !== (group ?? directory.gid))) {
        throw refused('HOST_DENIED', path)
      }
      put(absent(path), { kind: 'file', mode, uid, gid: directory?.gid ?? uid, bytes: bytes.slice() })
    },
    mkdir: async (path, mode) => mkdir(path, mode),
    mkdirs: async (path, mode) => mkdirs(path, mode),
    symlink: async (target, path) => put(absent(path), { kind: 'symlink', mode: 0o777, uid, gid: uid, target }),
    readlink: async (path) => {
      const { node } = tree.walk(path)
      if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
      if (node.kind !== 'symlink') throw refused('HOST_WRONG_KIND', path)
      return node.target
    },
    rename: async (from, to) => {
      const source = tree.walk(from)
      if (source.node === undefined) throw refused('HOST_NOT_FOUND', from, 'ENOENT')
      const target = tree.walk(to)
      writable(source.parent, from)
      writable(target.parent, to)
      const moved = held(source)
      if (moved === undefined || tree.covered(moved)) throw refused('HOST_BUSY', from, 'EBUSY')
      replaceable(tree, moved, target, to)
      source.parent.node.entries.delete(source.name)
      put(target, moved)
    },
    link: async (path, to) => {
      const { node } = tree.walk(path)
      if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
      if (node.kind === 'directory') throw refused('HOST_DENIED', path, 'EPERM')
      put(absent(to), node)
    },
    unlink: async (path) => {
      const spot = existing(tree, path)
      if (spot?.node === undefined) return
      if (spot.node.kind === 'directory') throw refused('HOST_WRONG_KIND', path, 'EISDIR')
      writable(spot.parent, path)
      spot.parent.node.entries.delete(spot.name)
    },
    rmdir: async (path) => {
      const spot = tree.walk(path)
      if (spot.node === undefined) return
      if (spot.node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path, 'ENOTDIR')
      const removed = held(spot) as DirectoryNode
      if (tree.covered(removed)) throw refused('HOST_BUSY', path, 'EBUSY')
      if (removed.entries.size > 0) throw refused('HOST_NOT_EMPTY', path, 'ENOTEMPTY')
      writable(spot.parent, path)
      spot.parent.node.entries.delete(spot.name)
      removed.parent = undefined
    },
    discard: async (path) => {
      const spot = existing(tree, path)
      if (spot?.node === undefined) return
      const { node } = spot
      if (node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path, 'ENOTDIR')
      if (node.uid !== uid) throw refused('HOST_DENIED', path)
      const inner = [...node.entries.values()].some(({ kind }) => kind === 'directory')
      if (inner) throw refused('HOST_WRONG_KIND', path, 'EISDIR')
      writable(spot.parent, path)
      node.entries.clear()
      spot.parent.node.entries.delete(spot.name)
      node.parent = undefined
    },
    list: async (path) => [...tree.directory(path).node.entries.keys()].sort(),
    stat: async (path) => {
      const node = existing(tree, path)?.node
      return node === undefined ? undefined : statOf(node, uid)
    },
    syncDirectory: async (path) => {
      const { node } = tree.walk(path)
      if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
      if (node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path)
    },
    tryLock: async (path, kind) => {
      const { node } = tree.walk(path)
      if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
      if (node.kind === 'symlink') throw refused('HOST_WRONG_KIND', path)
      return locks.take(node, kind)
    },
  }
}

/** What is there; undefined when a part of the way is missing or no directory. */
function existing(tree: MemoryTree, path: string): Spot | undefined {
  try {
    const spot = tree.walk(path)
    return spot.node === undefined ? undefined : spot
  } catch (error) {
    if (path.startsWith('/') && !path.includes('\0') && path.isWellFormed()) return undefined
    throw error
  }
}

function put({ parent, name }: Spot, node: Node): void {
  if (node.kind === 'directory') node.parent = parent.node
  parent.node.entries.set(name, node)
}

/** The entry itself, not what is mounted on it. */
const held = ({ parent, name }: Spot): Node | undefined => parent.node.entries.get(name)

function replaceable(tree: MemoryTree, moved: Node, target: Spot, path: string): void {
  const there = held(target)
  if (there === undefined || there === moved) return
  if ((there.kind === 'directory') !== (moved.kind === 'directory')) throw refused('HOST_WRONG_KIND', path)
  if (there.kind !== 'directory') return
  if (tree.covered(there)) throw refused('HOST_BUSY', path, 'EBUSY')
  if (there.entries.size > 0) throw refused('HOST_NOT_EMPTY', path, 'ENOTEMPTY')
  there.parent = undefined
}

function writable({ mount }: Place, path: string): void {
  if (mount.readOnly) throw refused('HOST_DENIED', path, 'EROFS')
}

const parentPath = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** As a setgid directory passes it on. */
const groupIn = ({ parent: { node } }: Spot, gid: number): number => ((node.mode & 0o2000) === 0 ? gid : node.gid)

interface OwnReading {
  readonly maxBytes: number
  readonly uid: number
}

function readOwn(tree: MemoryTree, path: string, { maxBytes, uid }: OwnReading): Uint8Array {
  const { node } = tree.walk(path)
  const directory = tree.walk(parentPath(path) || '/').node
  if (directory?.kind !== 'directory') throw refused('HOST_WRONG_KIND', path)
  if (directory.uid !== uid && directory.uid !== 0) throw refused('HOST_DENIED', path)
  if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
  if (node.kind !== 'file') throw refused('HOST_WRONG_KIND', path)
  if (node.uid !== uid) throw refused('HOST_DENIED', path)
  if (node.bytes.length > maxBytes) throw refused('HOST_TOO_LARGE', path)
  return node.bytes.slice()
}

const statOf = (node: Node, uid: number): FileStat => ({
  kind: node.kind,
  mode: node.mode,
  uid: node.uid,
  isOwn: node.uid === uid,
  gid: node.gid,
  size: node.kind === 'file' ? node.bytes.length : 0,
})
