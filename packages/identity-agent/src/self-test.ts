/**
 * Does rule 1 hold on this host? Asked once at start, of a connection that the agent makes to itself.
 *
 * What makes attestation impossible keeps the agent unready, by name. What only weakens it is allowed where the settings
 * say so, and announced.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { descriptorOf } from '@pallas/linux'
import { type Attestation, HIDDEN_PROCESS, OTHER_PID_NAMESPACE, type Peers } from './attest.ts'
import { podOfCgroups, type Prefix } from './cgroup.ts'
import { kindOfProcRoot, PROC, type Processes } from './processes.ts'
import type { Weakening } from './weakening.ts'

export interface SelfTestFacts {
  readonly attestation: 'peer' | 'handle-only'
  readonly procRoot: string
  readonly procRootKind: 'procfs' | 'directory' | 'missing'
  readonly requirePidfd: boolean
  /** What the kernel said of our own connection; `untried`, with the errno, when there was no socket to ask about. */
  readonly own: { readonly pid: number; readonly pidfd: boolean } | { readonly untried: string } | 'silent'
  /** Text of the cgroups of pid 1; undefined when it is hidden from the agent. */
  readonly firstProcess: string | undefined
  /** Where the kubelet of this node puts pods. */
  readonly prefixes: readonly Prefix[]
}

export interface SelfTestVerdict {
  /** Each keeps the agent unready. */
  readonly problems: readonly string[]
  readonly weakenings: readonly Weakening[]
}

export function judge(facts: SelfTestFacts): SelfTestVerdict {
  if (facts.attestation === 'handle-only') return { problems: [], weakenings: ['handle-only'] }
  const { procRoot, procRootKind, requirePidfd, own, firstProcess, prefixes } = facts
  const problems: string[] = []
  const weakenings: Weakening[] = []
  if (procRootKind === 'missing') problems.push('--proc-root does not exist')
  if (procRootKind === 'directory' && procRoot === PROC) problems.push('--proc-root is not procfs')
  if (procRootKind === 'directory' && procRoot !== PROC) weakenings.push('proc-root-not-procfs')
  // There always is a pid 1: who does not see it does not see the pods either, and would take them for gone.
  if (procRootKind === 'procfs' && firstProcess === undefined) problems.push(HIDDEN)
  if (own === 'silent') problems.push('the kernel does not say who is at the other end of a socket')
  else if ('untried' in own) problems.push(`cannot listen in --volumes-dir: ${own.untried}${HINTS[own.untried] ?? ''}`)
  else if (own.pid === 0) problems.push('peers have pid 0')
  else if (own.pid === 1 || isInPod(firstProcess, prefixes)) problems.push("the agent is not in the host's PID namespace")
  if (typeof own === 'object' && 'pidfd' in own && !own.pidfd) {
    if (requirePidfd) problems.push('--require-pidfd, but this kernel has no SO_PEERPIDFD')
    else weakenings.push('no-pidfd')
  }
  return { problems, weakenings }
}

const HIDDEN = 'processes are hidden in --proc-root: it is mounted with hidepid, and the agent has neither its gid nor CAP_SYS_PTRACE'

/** What an errno means for an agent that runs as it should, as root without a capability. */
const HINTS: Readonly<Record<string, string>> = {
  // What is missing is EACCES too, by the word of Node.
  EACCES: ', it is missing, or it belongs to another user and the agent has no CAP_DAC_OVERRIDE',
  EPERM: ', a security module or the file system forbids it',
  EROFS: ', it is mounted read-only',
  ENAMETOOLONG: ', its path is too long for a socket',
}

/** In the host's PID namespace pid 1 is the host's init; otherwise the first process of the agent's own pod. */
const isInPod = (cgroups: string | undefined, prefixes: readonly Prefix[]): boolean =>
  cgroups !== undefined && podOfCgroups(cgroups, prefixes).uid !== undefined

export interface SelfTestDeps {
  readonly peers: Peers
  readonly processes: Processes
  /** Directory for a socket that lives for a moment. */
  readonly probeDir: string
}

export async function selfTest(
  settings: Pick<SelfTestFacts, 'attestation' | 'procRoot' | 'requirePidfd' | 'prefixes'>,
  { peers, processes, probeDir }: SelfTestDeps,
): Promise<SelfTestVerdict> {
  const procRootKind = kindOfProcRoot(settings.procRoot)
  const unasked = { own: 'silent', firstProcess: undefined } as const
  if (settings.attestation === 'handle-only') return judge({ ...settings, procRootKind, ...unasked })
  const own = await askOwn(peers, probeDir)
  return judge({ ...settings, procRootKind, own, firstProcess: cgroupsOfFirst(processes) })
}

function cgroupsOfFirst(processes: Processes): string | undefined {
  try {
    using first = processes.open(1) ?? null
    return first?.cgroups()
  } catch {
    // Forbidden is hidden too.
    return undefined
  }
}

/** Under a name of its own, so that nothing an earlier or another agent left there stands in the way. */
async function askOwn(peers: Peers, dir: string): Promise<SelfTestFacts['own']> {
  const path = join(dir, `.self-test-${randomBytes(4).toString('hex')}`)
  await using server = createServer()
  try {
    await once(server.listen(path), 'listening')
  } catch (error) {
    return { untried: error instanceof Error && 'code' in error ? String(error.code) : 'unknown' }
  }
  try {
    return await askAt(path, server, peers)
  } catch {
    return 'silent'
  } finally {
    await rm(path, { force: true })
  }
}

async function askAt(path: string, server: Server, peers: Peers): Promise<SelfTestFacts['own']> {
  const accepted = once(server, 'connection')
  const client = connect(path)
  const [socket] = (await accepted) as [Socket]
  try {
    const fd = descriptorOf(socket)
    if (fd === undefined) return 'silent'
    const { pid } = peers.credentials(fd)
    using pin = peers.pin(fd) ?? null
    return { pid, pidfd: pin !== null }
  } finally {
    socket.destroy()
    client.destroy()
  }
}

/** The readiness of rule 1: what the self-test found, and what shows only when a pod calls. */
export function createAttestationHealth({ problems }: SelfTestVerdict) {
  const all = new Set(problems)
  return {
    observe(attestation: Attestation): void {
      if (attestation.kind !== 'refused') return
      if (attestation.why === OTHER_PID_NAMESPACE) all.add("a peer had pid 0: the agent needs the host's PID namespace")
      if (attestation.why === HIDDEN_PROCESS) all.add(HIDDEN)
    },
    problem: (): string | undefined => (all.size === 0 ? undefined : [...all].join('; ')),
  }
}
