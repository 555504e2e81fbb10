/** The system calls behind bind mounts, in their two generations. */
import { callError } from './host-error.ts'
import { type Libc, libc } from './libc.ts'

const MS_RDONLY = 1n
const MS_NOSUID = 2n
const MS_NODEV = 4n
const MS_NOEXEC = 8n
const MS_REMOUNT = 32n
const MS_BIND = 4096n
const MS_PRIVATE = 1n << 18n
/** The same bits in `mount` and `mount_setattr`. */
const LOCKED_DOWN = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8

const AT_FDCWD = -100n
const AT_SYMLINK_NOFOLLOW = 0x100n
const AT_EMPTY_PATH = 0x1000n
const OPEN_TREE_CLONE = 1n
const OPEN_TREE_CLOEXEC = 0o2000000n
const MOVE_MOUNT_F_EMPTY_PATH = 4n
const MOUNT_ATTR_BYTES = 32
const PROPAGATION_OFFSET = 16

export interface BindRequest {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/**
 * Makes a copy of the mount apart, locks it down, then puts it in place: nobody ever sees it writable.
 *
 * False where the kernel (before 5.12) or a filter does not know the calls; nothing has been done then.
 */
export function bindAtOnce({ source, target, readOnly }: BindRequest): boolean {
  const c = libc()
  const tree = c.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)
  if (tree < 0n) return unlessUnknown(c, 'open_tree', { path: source })
  try {
    const attributes = Buffer.alloc(MOUNT_ATTR_BYTES)
    attributes.writeBigUInt64LE(readOnly ? LOCKED_DOWN : 0n, 0)
    attributes.writeBigUInt64LE(MS_PRIVATE, PROPAGATION_OFFSET)
    if (c.mountSetattr(tree, '', AT_EMPTY_PATH, attributes, BigInt(MOUNT_ATTR_BYTES)) < 0n)
      return unlessUnknown(c, 'mount_setattr', { path: source })
    if (c.moveMount(tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0n)
      return unlessUnknown(c, 'move_mount', { path: target })
    return true
  } finally {
    c.close(Number(tree))
  }
}

/**
 * Container run times answer EPERM for calls that their filter does not know; a true EPERM comes again from `mount`.
 */
function unlessUnknown(c: Libc, call: string, fields: Record<string, unknown>): false {
  const why = c.errno()
  if (why === 'ENOSYS' || why === 'EPERM') return false
  throw callError(call, why, fields)
}

/** Binds, then remounts: Linux ignores read-only in the first call (`spec/athenz-suite.md` 15.1, W3). */
export function bindInTwoCalls({ source, target, readOnly }: BindRequest): void {
  const c = libc()
  if (c.mount(source, target, 0n, MS_BIND, 0n) < 0) throw callError('mount', c.errno(), { path: target })
  const locked = !readOnly || c.mount('none', target, 0n, MS_REMOUNT | MS_BIND | LOCKED_DOWN, 0n) === 0
  if (locked && c.mount('none', target, 0n, MS_PRIVATE, 0n) === 0) return
  const why = c.errno()
  c.umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)
  throw callError('mount', why, { path: target })
}

export function unmountCall(target: string): void {
  const c = libc()
  if (c.umount2(target, UMOUNT_NOFOLLOW) === 0) return
  throw callError('umount2', c.errno(), { path: target }, { EINVAL: 'HOST_NOT_MOUNTED', ENOENT: 'HOST_NOT_MOUNTED' })
}
