/** Who is at the other end of a unix socket, by the kernel's word. */
import { HostError } from '@pallas/host'
import type { Socket } from 'node:net'
import { callError } from './host-error.ts'
import { libc } from './libc.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SO_PEERPIDFD = 77
const POLLIN = 1

/**
 * The process that called `connect(2)`, in this process's pid and user namespaces; pid 0 when it is not to be seen
 * there.
 */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/** A hold on the peer's process that no other process can take over; dispose of it to close the descriptor. */
export interface PinnedPeer extends Disposable {
  /** Whether the process has ended; when it has not, its pid still means it. */
  exited(): boolean
}

/** Throws `HOST_IO` when `fd` is no connected unix socket. */
export function peerOf(fd: number): PeerCredentials {
  const credentials = socketOption(fd, SO_PEERCRED, 12)
  if (typeof credentials === 'string') throw callError('getsockopt', credentials, { option: 'SO_PEERCRED' })
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8) }
}

/** Undefined when the kernel (before 6.5) cannot pin a peer. */
export function pinPeer(fd: number): PinnedPeer | undefined {
  const answer = socketOption(fd, SO_PEERPIDFD, 4)
  return typeof answer === 'string' ? pinWithout(answer) : pinned(answer.readInt32LE(0))
}

/** What an errno of SO_PEERPIDFD says of the peer. */
export function pinWithout(errno: string): PinnedPeer | undefined {
  if (errno === 'ENOPROTOOPT') return undefined
  // Before 6.16 there is no descriptor of a process that has ended and been waited for; which of the two it says differs.
  if (errno === 'ESRCH' || errno === 'EINVAL') return { exited: () => true, [Symbol.dispose]: () => undefined }
  throw callError('getsockopt', errno, { option: 'SO_PEERPIDFD' })
}

function pinned(pidfd: number): PinnedPeer {
  let open = true
  return {
    exited: () => {
      if (!open) throw new HostError('HOST_IO', 'the peer is no longer pinned')
      return hasEnded(pidfd)
    },
    [Symbol.dispose]: () => {
      if (open) libc().close(pidfd)
      open = false
    },
  }
}

/** A pidfd becomes readable when its process ends. */
function hasEnded(pidfd: number): boolean {
  const { poll, errno } = libc()
  const request = Buffer.alloc(8)
  request.writeInt32LE(pidfd, 0)
  request.writeInt16LE(POLLIN, 4)
  for (;;) {
    const ready = poll(request, 1n, 0)
    if (ready >= 0) return ready > 0
    const why = errno()
    // A signal that this process handles ends even a call that does not wait, and says nothing of the peer.
    if (why !== 'EINTR') throw callError('poll', why, {})
  }
}

/** The option's bytes, or the name of the errno. */
function socketOption(fd: number, option: number, length: number): Buffer | string {
  const { getsockopt, errno } = libc()
  const value = Buffer.alloc(length)
  const size = Buffer.alloc(4)
  size.writeInt32LE(length)
  if (getsockopt(fd, SOL_SOCKET, option, value, size) < 0) return errno()
  return size.readInt32LE() === length ? value : 'EMSGSIZE'
}

/** The descriptor of a socket of `node:net`, which has no public name; undefined once it is closed. */
export function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}
