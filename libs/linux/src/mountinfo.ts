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
 * Those at or below `path`, in the order in which they can be unmounted: what lies on another first, and before the rest of
 * that what covers all of it; then the newer.
 */
export function mountsUnder(lines: readonly MountLine[], path: string): readonly Mount[] {
  const below = path === '/' ? '/' : `${path}/`
  const wanted = lines.filter(({ target }) => target === path || target.startsWith(below))
  const ids = new Set(wanted.map(({ id }) => id))
  const seen = new Set<number>()
  const order: Mount[] = []

  function visit(line: MountLine): void {
    if (seen.has(line.id)) return
    seen.add(line.id)
    const upon = wanted.filter(({ parent, id }) => parent === line.id && id !== line.id).toReversed()
    const covers = ({ target }: MountLine): boolean => target === line.target
    for (const each of [...upon.filter(covers), ...upon.filter((it) => !covers(it))]) visit(each)
    order.push({ target: line.target, root: line.root, readOnly: line.readOnly })
  }

  for (const line of wanted.toReversed()) if (!ids.has(line.parent) || line.parent === line.id) visit(line)
  // What names each other as parents is no tree; nothing of it is left out.
  for (const line of wanted) visit(line)
  return order
}
