/** A tree of files with bind mounts, in memory: what the kernel's path walk does, without its permissions. */
import { HostError, type HostErrorCode } from '../error.ts'

interface Owned {
  mode: number
  uid: number
  gid: number
}

export interface DirectoryNode extends Owned {
  readonly kind: 'directory'
  readonly entries: Map<string, Node>
  /** Where it hangs; undefined for the root and once it is removed. */
  parent: DirectoryNode | undefined
}

export interface FileNode extends Owned {
  readonly kind: 'file'
  bytes: Uint8Array
}

export interface LinkNode extends Owned {
  readonly kind: 'symlink'
  readonly target: string
}

export interface SpecialNode extends Owned {
  readonly kind: 'socket' | 'other'
}

export type Node = DirectoryNode | FileNode | LinkNode | SpecialNode

/** One mounted tree; `at` is the directory it covers, undefined for the root file system. */
export interface MountNode {
  readonly root: DirectoryNode
  readonly at: { readonly mount: MountNode; readonly node: DirectoryNode } | undefined
  readonly readOnly: boolean
}

/** A directory as seen through one mount. */
export interface Place {
  readonly mount: MountNode
  readonly node: DirectoryNode
}

/** Where a path ends: the directory that holds (or would hold) the name, and what is there. */
export interface Spot {
  readonly parent: Place
  readonly name: string
  readonly node: Node | undefined
}

const SYMLINKS = 40

export const newDirectory = (mode: number, uid = 0): DirectoryNode => ({
  kind: 'directory',
  mode,
  uid,
  gid: uid,
  entries: new Map(),
  parent: undefined,
})

export class MemoryTree {
  readonly root: MountNode = { root: newDirectory(0o755), at: undefined, readOnly: false }
  /** In the order in which they were made. */
  mounts: MountNode[] = [this.root]

  /** Walks to a path; `follow` follows a symlink in the last component too. */
  walk(path: string, follow = false): Spot {
    if (!path.startsWith('/') || path.includes('\0') || !path.isWellFormed()) throw new HostError('HOST_IO', 'not an absolute path', { path })
    let parts = path.split('/')
    let place = this.cross({ mount: this.root, node: this.root.root })
    for (let links = 0; ; ) {
      const [name, ...rest] = parts.filter((part) => part !== '' && part !== '.')
      if (name === undefined) return { parent: place, name: '.', node: place.node }
      if (name === '..') {
        place = this.#up(place)
        parts = rest
        continue
      }
      const node = place.node.entries.get(name)
      if (node?.kind === 'symlink' && (rest.length > 0 || follow)) {
        if (++links > SYMLINKS) throw refused('HOST_WRONG_KIND', path)
        if (node.target.startsWith('/')) place = this.cross({ mount: this.root, node: this.root.root })
        parts = [...node.target.split('/'), ...rest]
        continue
      }
      if (rest.length === 0) return { parent: place, name, node: this.#seen(place, node) }
      if (node === undefined) throw refused('HOST_NOT_FOUND', path)
      if (node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path)
      place = this.cross({ mount: place.mount, node })
      parts = rest
    }
  }

  /** The directory at a path, through what is mounted on it. */
  directory(path: string): Place {
    const { parent, node, name } = this.walk(path, true)
    if (node === undefined) throw refused('HOST_NOT_FOUND', path)
    if (node.kind !== 'directory') throw refused('HOST_WRONG_KIND', path)
    const under = name === '.' ? node : parent.node.entries.get(name)
    return name === '.' ? parent : this.cross({ mount: parent.mount, node: under as DirectoryNode })
  }

  /** Descends into the newest mount that covers a directory, again and again. */
  cross(place: Place): Place {
    const over = this.mounts.findLast(({ at }) => at?.mount === place.mount && at.node === place.node)
    return over === undefined ? place : this.cross({ mount: over, node: over.root })
  }

  /** Whether anything is mounted on a directory, in any view of it. */
  covered(node: Node): boolean {
    return this.mounts.some(({ at }) => at?.node === node)
  }

  /** The path at which a mount is seen. */
  targetOf({ at }: MountNode): string {
    if (at === undefined) return '/'
    const outer = this.targetOf(at.mount)
    const inner = pathBetween(at.mount.root, at.node)
    return `${outer === '/' ? '' : outer}${inner}`
  }

  /** The path inside the file system that a mount shows. */
  rootOf({ root }: MountNode): string {
    return pathBetween(this.root.root, root) || '/'
  }

  #seen(place: Place, node: Node | undefined): Node | undefined {
    return node?.kind === 'directory' ? this.cross({ mount: place.mount, node }).node : node
  }

  #up({ mount, node }: Place): Place {
    if (node !== mount.root) return { mount, node: node.parent ?? node }
    return mount.at === undefined ? { mount, node } : this.#up({ mount: mount.at.mount, node: mount.at.node })
  }
}

/** `/a/b` from an ancestor down to a directory; the empty string when they are the same. */
function pathBetween(ancestor: DirectoryNode, node: DirectoryNode): string {
  if (node === ancestor) return ''
  if (node.parent === undefined) return '//deleted'
  const name = [...node.parent.entries].find(([, entry]) => entry === node)?.[0] ?? '?'
  return `${pathBetween(ancestor, node.parent)}/${name}`
}

export const refused = (code: HostErrorCode, path: string, errno?: string): HostError =>
  new HostError(code, 'the file system refused', errno === undefined ? { path } : { path, errno })
