/**
 * A machine in memory, and doors to it for as many processes as a test wants.
 *
 * It keeps the contract of `testing/contract.ts` but for what it says it lacks: there is no network (peers are
 * functions), no umask and no permission check; keys are the caller's (`nodeHost().keys` in tests of programs).
 */
import type { Host } from '../host.ts'
import type { Keys } from '../keys.ts'
import { FakeClock } from './fake-clock.ts'
import { Faults } from './faults.ts'
import { memoryFiles } from './memory-files.ts'
import { type HttpHandler, memoryHttp } from './memory-http.ts'
import { type LockTable, MemoryLocks } from './memory-locks.ts'
import { memoryMounts } from './memory-mounts.ts'
import { type DirectoryNode, MemoryTree, type Node } from './memory-tree.ts'

export interface MemoryHost extends Host {
  readonly clock: FakeClock
  /** What goes wrong in this process. */
  readonly faults: Faults
  readonly machine: MemoryMachine
}

export interface MemoryMachineOptions {
  readonly keys?: Keys
  /** Start of the clock, RFC 3339. */
  readonly start?: string
}

export interface MemoryProcessOptions {
  readonly uid?: number
  /** Waited for before each call: processes of different paces overtake each other. */
  readonly pace?: () => Promise<void>
}

export class MemoryMachine {
  readonly clock: FakeClock
  /** Peers by name: `unix:<path>`, `tcp:<host>:<port>`, `tls:<host>:<port>`. */
  readonly peers = new Map<string, HttpHandler>()
  readonly #tree = new MemoryTree()
  readonly #locks: LockTable = new Map()
  readonly #keys: Keys

  constructor({ keys = NO_KEYS, start }: MemoryMachineOptions = {}) {
    this.clock = new FakeClock(start)
    this.#keys = keys
  }

  /** The door as another process of the machine has it: own faults, own locks, own pace. */
  open({ uid = 0, pace }: MemoryProcessOptions = {}): MemoryHost {
    const locks = new MemoryLocks(this.#locks)
    const faults = new Faults(() => locks.dropAll())
    return {
      clock: this.clock,
      files: stepped('files', memoryFiles({ tree: this.#tree, locks, uid }), faults, pace),
      http: memoryHttp(this.peers, this.clock),
      keys: this.#keys,
      mounts: stepped('mounts', memoryMounts(this.#tree), faults, pace),
      faults,
      machine: this,
    }
  }

  /** Mounts and locks go, files stay. */
  reboot(): void {
    this.#tree.mounts = [this.#tree.root]
    this.#locks.clear()
  }

  /** Puts a socket or FIFO at a path, or changes whose a file is and its mode: what other programs on a machine do. */
  place(path: string, node: { readonly kind: 'socket' | 'other' }): void {
    const { parent, name } = this.#tree.walk(path)
    parent.node.entries.set(name, { ...node, mode: 0o666, uid: 0, gid: 0 })
  }

  change(path: string, change: { readonly uid?: number; readonly gid?: number; readonly mode?: number }): void {
    const { node } = this.#tree.walk(path)
    if (node !== undefined) Object.assign(node, change)
  }

  /** Every path with its mode and content, one a line, sorted, and every mount: for comparing two states. */
  snapshot(): readonly string[] {
    const mounts = this.#tree.mounts
      .filter(({ at }) => at !== undefined)
      .map((it) => `mount ${this.#tree.rootOf(it)} at ${this.#tree.targetOf(it)} ${it.readOnly ? 'ro' : 'rw'}`)
    return [...lines(this.#tree.root.root, ''), ...mounts.sort()]
  }
}

/** A machine with one process. */
export const memoryHost = (options: MemoryMachineOptions = {}): MemoryHost => new MemoryMachine(options).open()

function lines(directory: DirectoryNode, path: string): readonly string[] {
  const entries = [...directory.entries].sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.flatMap(([name, node]) => {
    const at = `${path}/${name}`
    const own = `${node.mode.toString(8)} ${at}${contentOf(node)}`
    return node.kind === 'directory' ? [own, ...lines(node, at)] : [own]
  })
}

function contentOf(node: Node): string {
  if (node.kind === 'file') return ` ${new TextDecoder().decode(node.bytes)}`
  if (node.kind === 'symlink') return ` -> ${node.target}`
  return node.kind === 'directory' ? '/' : ` ${node.kind}`
}

type Calls = Readonly<Record<string, (path: string, ...rest: never[]) => Promise<unknown>>>

/** The same calls, each of them a step that may fail. */
function stepped<T extends object>(part: string, calls: T, faults: Faults, pace: MemoryProcessOptions['pace']): T {
  const entries = Object.entries(calls as unknown as Calls).map(([name, call]) => [
    name,
    async (path: string, ...rest: never[]) => {
      await pace?.()
      faults.step(`${part}.${name}`, path)
      return call(path, ...rest)
    },
  ])
  return Object.fromEntries(entries) as T
}

const none = (): never => {
  throw new Error('this memory machine was given no keys')
}

const NO_KEYS: Keys = { generate: none, import: none, verify: none, sha256: none, hmacSha256: none, randomBytes: none }
