/** `/proc/<pid>/mountinfo` (proc(5)): one line a mount, octal escapes for blanks, no order that could be relied on. */
import type { Mount } from '@pallas/host'

export interface MountLine extends Mount {
  readonly id: number
  readonly parent: number
}

/** Lines that are not of the documented form are left out: the kernel may add kinds of lines, never change this one. */
export function parseMountinfo(text: string): readonly MountLine[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

/** `36 35 98:0 /root/in/fs /mount/point rw,noatime master:1 - ext3 /dev/root rw` */
function parseLine(line: string): MountLine | undefined {
  const [id, parent, device, root, target, options] = line.split(' ')
  if (root === undefined || target === undefined || options === undefined || device === undefined) return undefined
  if (!/^\d+$/.test(id ?? '') || !/^\d+$/.test(parent ?? '')) return undefined
  return {
    id: Number(id),
    parent: Number(parent),
    root: unescape(root),
    target: unescape(target),
    readOnly: options.split(',').includes('ro'),
  }
}

/** The kernel writes blank, tab, newline, backslash (and `#`) as three octal digits of each byte. */
const unescape = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/**
 * Those at or below `path`, in the order in which they can be unmounted: what lies on another first, then the newer.
 */
export function mountsUnder(lines: readonly MountLine[], path: string): readonly Mount[] {
  const byId = new Map(lines.map((line) => [line.id, line]))
  const below = path === '/' ? '/' : `${path}/`
  return lines
    .map((line, index) => ({ line, index, depth: depthOf(line, byId) }))
    .filter(({ line }) => line.target === path || line.target.startsWith(below))
    .sort((a, b) => b.depth - a.depth || b.index - a.index)
    .map(({ line: { target, root, readOnly } }) => ({ target, root, readOnly }))
}

/** How many mounts lie beneath; bounded, because the root of a namespace may name itself as its parent. */
function depthOf(line: MountLine, byId: ReadonlyMap<number, MountLine>): number {
  let depth = 0
  for (let at: MountLine | undefined = line; at !== undefined && depth < byId.size; depth++) {
    at = at.parent === at.id ? undefined : byId.get(at.parent)
  }
  return depth
}
