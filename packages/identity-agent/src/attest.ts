/**
 * Who is at the other end of a connection, by the kernel's word (design.md 3, rule 1).
 *
 * Runs at once when the connection comes, before a byte of it is read, and holds on to the process until the connection
 * ends: an answer is for the process that connected, or for nobody.
 */
import type { ReasonCode } from '@pallas/identity'
import type { PeerCredentials, PinnedPeer } from '@pallas/linux'
import { podOfCgroups, type Prefix } from './cgroup.ts'
import type { Processes, ProcessRecord } from './processes.ts'

/** The kernel's word on the process that called `connect(2)`. */
export interface Peers {
  credentials(fd: number): PeerCredentials
  /** Pins the process; undefined when this kernel cannot (before 6.5). */
  pin(fd: number): PinnedPeer | undefined
}

export type Attestation =
  | { readonly kind: 'pod'; readonly uid: string; readonly pid: number; stillThere(): boolean }
  | { readonly kind: 'refused'; readonly reason: ReasonCode; readonly why: string; readonly pid: number }
  /** `handle-only`: nobody asked the kernel. */
  | { readonly kind: 'not-asked' }

export interface AttestDeps {
  readonly peers: Peers
  readonly processes: Processes
  readonly requirePidfd: boolean
  /** Where the kubelet of this node puts pods. */
  readonly prefixes: readonly Prefix[]
}

export type Attest = (fd: number) => Attestation & Disposable

export const attestNobody: Attest = () => ({ kind: 'not-asked', [Symbol.dispose]: () => undefined })

export function createAttest(deps: AttestDeps): Attest {
  return (fd) => {
    try {
      return attest(fd, deps)
    } catch {
      // The system failed, not the caller: it may come again.
      return refused('BUSY', 'system-call-failed')
    }
  }
}

function attest(fd: number, { peers, processes, requirePidfd, prefixes }: AttestDeps): Attestation & Disposable {
  using whileAsking = new DisposableStack()
  using whileConnected = new DisposableStack()
  const { pid } = peers.credentials(fd)
  if (pid <= 0) return refused('PEER_UNKNOWN', OTHER_PID_NAMESPACE)
  const pin = whileConnected.use(peers.pin(fd) ?? null)
  if (pin === null && requirePidfd) return refused('PEER_UNKNOWN', 'no-pidfd', pid)

  // Without a pin, the directory of the process is what holds on to it.
  const record = (pin === null ? whileConnected : whileAsking).use(processes.open(pid) ?? null)
  if (record === null) {
    const isHidden = processes.isKernels && pin?.exited() === false
    return isHidden ? refused('PEER_UNKNOWN', HIDDEN_PROCESS, pid) : refused('PEER_EXITED', 'no-process', pid)
  }
  const lives = pin === null ? sameStart(record) : () => !pin.exited()
  const cgroups = record.cgroups()
  if (!lives() || cgroups === undefined) return refused('PEER_EXITED', 'gone-while-read', pid)

  const verdict = podOfCgroups(cgroups, prefixes)
  if (verdict.uid === undefined) return refused('NOT_A_POD', verdict.why, pid)
  const held = whileConnected.move()
  const stillThere = () => !held.disposed && lives()
  return { kind: 'pod', uid: verdict.uid, pid, stillThere, [Symbol.dispose]: () => held.dispose() }
}

export const OTHER_PID_NAMESPACE = 'other-pid-namespace'
export const HIDDEN_PROCESS = 'hidden-process'

/** Why this caller may not use a volume made for pod `uid`; undefined when it may. */
export function refusalOf(attestation: Attestation, uid: string): { reason: ReasonCode; why: string } | undefined {
  if (attestation.kind === 'not-asked') return undefined
  if (attestation.kind === 'refused') return attestation
  if (!attestation.stillThere()) return { reason: 'PEER_EXITED', why: 'gone-before-answer' }
  if (attestation.uid !== uid) return { reason: 'HANDLE_PEER_MISMATCH', why: 'other-pod' }
  return undefined
}

/** Without a pin: another process under the same pid has another start time. */
function sameStart(record: ProcessRecord): () => boolean {
  const before = record.startTime()
  return () => before !== undefined && record.startTime() === before
}

const refused = (reason: ReasonCode, why: string, pid = 0): Attestation & Disposable => ({
  kind: 'refused',
  reason,
  why,
  pid,
  [Symbol.dispose]: () => undefined,
})
