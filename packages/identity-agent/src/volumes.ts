/**
 * The volumes of this host, learnt from the volume tree alone: a scan at start, a look at those that the kernel reports a
 * change of, and a scan once a second in case it did not. `mount` and `unmount` never need a running agent.
 */
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Clock } from '@pallas/host'
import { type Handle, isHandle } from '@pallas/wire'
import { checkTrustedDirectory, claimedUid, incarnationAt, readVolume, type Volume, type VolumeTrust } from './volume-trust.ts'

export interface Volumes extends AsyncDisposable {
  /** Begins to look; resolves after the first scan. A volume can be got before its `onAppear` is called. */
  start(): Promise<void>
  get(handle: Handle): Volume | undefined
  all(): readonly Volume[]
  /** Looks at all at once. Scans run one after another; whoever asks during one shares the next. */
  rescan(): Promise<void>
  /** Works in turn with the scans, so never while the volume appears or vanishes; not at all once it is another or gone. */
  whileKnown(volume: Volume, work: () => Promise<void>): Promise<void>
  /** Why the tree cannot be read; undefined while it can. */
  problem(): string | undefined
  readonly size: number
}

export interface VolumesOptions {
  readonly dir: string
  /** Whose volumes, and which, are believed. */
  readonly trust: VolumeTrust
  readonly clock: Pick<Clock, 'sleep'>
  readonly pollMs: number
  /** Never both at once for one handle; the next scan waits for them. */
  readonly onAppear: (volume: Volume) => Promise<void>
  readonly onVanish: (volume: Volume) => Promise<void>
  /** Once for each incarnation of an untrusted volume; `uid` is the pod that it claims to be of, if it does. */
  readonly onUntrusted: (handle: Handle, cause: unknown, uid: string | undefined) => void
}

export function createVolumes(options: VolumesOptions): Volumes {
  const { dir, clock, pollMs } = options
  const stop = new AbortController()
  const tree = new Tree(options)
  const scope = new AsyncDisposableStack()

  const inTurn = createTurn()
  let next: { readonly what: Looked; readonly done: Promise<void> } | undefined

  function look(at: Handle | 'all'): Promise<void> {
    if (next === undefined) {
      const what: Looked = { all: false, handles: new Set() }
      const done = inTurn(() => {
        next = undefined
        return tree.scan(what.all ? undefined : what.handles)
      })
      next = { what, done }
    }
    if (at === 'all') next.what.all = true
    else next.what.handles.add(at)
    return next.done
  }
  const rescan = (): Promise<void> => look('all')

  async function start(): Promise<void> {
    const watcher = watchDirectory(dir, (name) => {
      // What is being built or taken away has names of its own: it comes and goes by a rename, which is told.
      if (name === undefined || name === basename(dir)) void rescan()
      else if (isHandle(name)) void look(name)
    })
    await rescan()
    const run = async () => {
      while (!stop.signal.aborted) {
        await clock.sleep(pollMs, stop.signal).catch(() => undefined)
        if (!stop.signal.aborted) await rescan()
      }
    }
    const running = run()
    scope.defer(async () => {
      stop.abort()
      watcher.close()
      await running
      await inTurn(() => Promise.resolve())
    })
  }

  return {
    start,
    rescan,
    whileKnown: (volume, work) =>
      inTurn(() => (tree.get(volume.handle) === volume ? work() : Promise.resolve())),
    get: (handle) => tree.get(handle),
    all: () => tree.all(),
    problem: () => tree.problem,
    get size() {
      return tree.size
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}

/** What the next turn is to look at; grows until it begins. */
interface Looked {
  all: boolean
  readonly handles: Set<Handle>
}

/** One thing after another, whatever becomes of each. */
function createTurn(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
}

class Tree {
  readonly #options: VolumesOptions
  readonly #volumes = new Map<Handle, Volume>()
  /** Incarnations refused, so that one bad volume is told once. */
  readonly #refused = new Map<Handle, string>()
  #problem: string | undefined

  constructor(options: VolumesOptions) {
    this.#options = options
  }

  get = (handle: Handle): Volume | undefined => this.#volumes.get(handle)

  all = (): readonly Volume[] => [...this.#volumes.values()]

  get size(): number {
    return this.#volumes.size
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** All, or but the given ones. Never rejects: a tree that cannot be read is a problem to report, and what is known stays. */
  async scan(some?: ReadonlySet<Handle>): Promise<void> {
    const { dir, trust } = this.#options
    try {
      await checkTrustedDirectory(dir, trust.ownUid)
      const problems: unknown[] = []
      // One that cannot be looked at keeps nobody else out.
      for (const handle of some ?? (await this.#everything())) await this.#look(handle).catch((cause: unknown) => problems.push(cause))
      if (problems.length > 0) throw problems[0]
      if (some === undefined) this.#problem = undefined
    } catch (cause) {
      this.#problem = `the volume tree cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`
    }
  }

  /** What is known and what is there. */
  async #everything(): Promise<ReadonlySet<Handle>> {
    const present = (await readdir(this.#options.dir)).filter(isHandle)
    return new Set([...this.#volumes.keys(), ...this.#refused.keys(), ...present])
  }

  async #look(handle: Handle): Promise<void> {
    const { dir, trust, onAppear, onUntrusted } = this.#options
    const incarnation = await incarnationAt(`${dir}/${handle}`)
    const known = this.#volumes.get(handle)
    if (known !== undefined && known.incarnation !== incarnation) await this.#vanish(known)
    if (incarnation === undefined) this.#refused.delete(handle)
    if (incarnation === undefined || known?.incarnation === incarnation) return
    try {
      const volume = await readVolume(dir, handle, trust)
      if (volume === undefined) return
      // Known before it is served: who connects in the first instant must find it.
      this.#volumes.set(handle, volume)
      await onAppear(volume)
      this.#refused.delete(handle)
    } catch (cause) {
      this.#volumes.delete(handle)
      if (this.#refused.get(handle) !== incarnation) onUntrusted(handle, cause, await claimedUid(dir, handle))
      this.#refused.set(handle, incarnation)
    }
  }

  async #vanish(volume: Volume): Promise<void> {
    this.#volumes.delete(volume.handle)
    await this.#options.onVanish(volume)
  }
}

/**
 * `onChange` is told which name, where the kernel says it, and the directory's own for what became of that. Without a watcher
 * (too many of them on this host) the poll finds all, only later.
 */
function watchDirectory(dir: string, onChange: (name: string | undefined) => void): { close(): void } {
  try {
    return watch(dir, { persistent: false }, (_event, name) => onChange(name ?? undefined)).on('error', () => undefined)
  } catch {
    return { close: () => undefined }
  }
}
