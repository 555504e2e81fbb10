/**
 * The only foreign calls in the suite: functions of the C library, called through `node:ffi`.
 *
 * Loaded at the first call, so that a program which makes none pays nothing. Every load is proved by `getpid`: with
 * wrong key names `node:ffi` answers undefined instead of throwing (`spec/stack.md` 3).
 */
import { HostError } from '@pallas/host'
import { constants } from 'node:os'

const INT = 'int32'
const WORD = 'uint64'

const FUNCTIONS = {
  getpid: { arguments: [], return: INT },
  mount: { arguments: ['string', 'string', 'pointer', WORD, 'pointer'], return: INT },
  umount2: { arguments: ['string', INT], return: INT },
  flock: { arguments: [INT, INT], return: INT },
  getsockopt: { arguments: [INT, INT, INT, 'buffer', 'buffer'], return: INT },
  poll: { arguments: ['buffer', WORD, INT], return: INT },
  close: { arguments: [INT], return: INT },
  _exit: { arguments: [INT], return: 'void' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

/** Calls younger than many a C library, by their number; from 2019 on it is the same on every architecture. */
const OPEN_TREE = { syscall: { arguments: [WORD, 'int64', 'string', WORD], return: 'int64' } } as const
const MOUNT_SETATTR = {
  syscall: { arguments: [WORD, 'int64', 'string', WORD, 'buffer', WORD], return: 'int64' },
} as const
const MOVE_MOUNT = {
  syscall: { arguments: [WORD, 'int64', 'string', 'int64', 'string', WORD], return: 'int64' },
} as const

function load() {
  const ffi = process.getBuiltinModule('node:ffi')
  if (ffi === undefined) throw new HostError('HOST_IO', 'this node has no foreign function interface')
  const { functions } = ffi.dlopen(null, FUNCTIONS)
  if (functions.getpid() !== process.pid) throw new HostError('HOST_IO', 'foreign functions answer wrongly')
  return {
    ...functions,
    openTree: ffi.dlopen(null, OPEN_TREE).functions.syscall.bind(undefined, 428n),
    mountSetattr: ffi.dlopen(null, MOUNT_SETATTR).functions.syscall.bind(undefined, 442n),
    moveMount: ffi.dlopen(null, MOVE_MOUNT).functions.syscall.bind(undefined, 429n),
    /** Of the call before; ask at once. */
    errno: () => errnoName(ffi.getInt32(functions.__errno_location(), 0)),
  }
}

export type Libc = ReturnType<typeof load>

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

export const libc: () => Libc = once(load)

/** Proves that foreign calls reach the C library; throws `HOST_IO` where they do not. For the start of a daemon. */
export function selfTestSystemCalls(): void {
  if (libc().getpid() !== process.pid) throw new HostError('HOST_IO', 'foreign functions answer wrongly')
}

/**
 * Ends this process at once, whatever its other threads wait for, and in the ordinary way where that cannot be done.
 */
export function endProcess(code: number): void {
  try {
    libc()._exit(code)
  } catch {
    process.exitCode = code
  }
}

const errnoName = (value: number): string =>
  Object.entries(constants.errno).find(([, number]) => number === value)?.[0] ?? `E${value}`
