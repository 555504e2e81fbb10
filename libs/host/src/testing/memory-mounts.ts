import type { Mounts } from '../mounts.ts'
import { type DirectoryNode, type MemoryTree, type Place, refused } from './memory-tree.ts'

/** The mounts of a machine in memory. */
export const memoryMounts = (tree: MemoryTree): Mounts => ({
  bind: async (source, target, { readOnly }) => {
    const from = directoryAt(tree, source)
    const to = directoryAt(tree, target)
    tree.mounts.push({ root: from.node, at: to, readOnly: readOnly || from.mount.readOnly })
  },
  unmount: async (target) => {
    const top = mountAt(tree, target)
    if (top === undefined || top.at === undefined) throw refused('HOST_NOT_MOUNTED', target, 'EINVAL')
    if (tree.mounts.some(({ at }) => at?.mount === top)) throw refused('HOST_BUSY', target, 'EBUSY')
    tree.mounts = tree.mounts.filter((mount) => mount !== top)
  },
  under: async (path) => {
    const resolved = resolvedPath(tree, path)
    const below = resolved === '/' ? '/' : `${resolved}/`
    return tree.mounts
      .map((mount) => ({ target: tree.targetOf(mount), root: tree.rootOf(mount), readOnly: mount.readOnly }))
      .filter(({ target }) => target === resolved || target.startsWith(below))
      .toReversed()
  },
})

/** A directory, not through a symlink in the last component, with what is mounted on it. */
function directoryAt(tree: MemoryTree, path: string): Place {
  const { node } = tree.walk(path)
  if (node === undefined) throw refused('HOST_NOT_FOUND', path, 'ENOENT')
  if (node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path)
  return tree.directory(path)
}

function mountAt(tree: MemoryTree, path: string) {
  try {
    const { mount, node } = directoryAt(tree, path)
    return node === mount.root ? mount : undefined
  } catch {
    return undefined
  }
}

/** The path as mounts name it: symlinks on the way to the last component followed. */
function resolvedPath(tree: MemoryTree, path: string): string {
  const cut = path.lastIndexOf('/')
  const name = path.slice(cut)
  try {
    const { mount, node } = tree.directory(path.slice(0, cut) || '/')
    const parent = seenAt(tree, mount, node)
    return `${parent === '/' ? '' : parent}${name}`
  } catch {
    return path
  }
}

/** The path of a directory as seen through a mount. */
function seenAt(tree: MemoryTree, mount: Place['mount'], node: DirectoryNode): string {
  return node === mount.root ? tree.targetOf(mount) : tree.targetOf({ root: node, at: { mount, node }, readOnly: false })
}
