/**
 * The volumes of this host, learnt from the volume tree alone: a scan at start, then whenever the kernel reports a change,
 * and once a second in case it did not. `mount` and `unmount` never need a running agent.
 */
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { Clock } from '@pallas/host'
import { type Handle, isHandle } from '@pallas/wire'
import { checkTrustedDirectory, claimedUid, incarnationAt, readVolume, type Volume, type VolumeTrust } from './volume-trust.ts'

export interface Volumes extends AsyncDisposable {
  /** Begins to look; resolves after the first scan. A volume can be got before its `onAppear` is called. */
  start(): Promise<void>
  get(handle: Handle): Volume | undefined
  all(): readonly Volume[]
  /** Looks at once. Scans run one after another; whoever asks during one shares the next. */
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
  let next: Promise<void> | undefined

  function rescan(): Promise<void> {
    next ??= inTurn(() => {
      next = undefined
      return tree.scan()
    })
    return next
  }

  async function start(): Promise<void> {
    let wake = new AbortController()
    const watcher = watchDirectory(dir, () => wake.abort())
    await rescan()
    const run = async () => {
      while (!stop.signal.aborted) {
        await clock.sleep(pollMs, AbortSignal.any([wake.signal, stop.signal])).catch(() => undefined)
        wake = new AbortController()
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

  /** Never rejects: a tree that cannot be read is a problem to report, and what is known stays. */
  async scan(): Promise<void> {
    const { dir, trust } = this.#options
    try {
      await checkTrustedDirectory(dir, trust.ownUid)
      const present = new Set((await readdir(dir)).filter(isHandle))
      for (const [handle, volume] of this.#volumes) if (!present.has(handle)) await this.#vanish(volume)
      for (const handle of this.#refused.keys()) if (!present.has(handle)) this.#refused.delete(handle)
      for (const handle of present) await this.#look(handle)
      this.#problem = undefined
    } catch (cause) {
      this.#problem = `the volume tree cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}`
    }
  }

  async #look(handle: Handle): Promise<void> {
    const { dir, trust, onAppear, onUntrusted } = this.#options
    const incarnation = await incarnationAt(`${dir}/${handle}`)
    const known = this.#volumes.get(handle)
    if (known !== undefined && known.incarnation !== incarnation) await this.#vanish(known)
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

/** Without a watcher (too many of them on this host) the poll finds everything, only later. */
function watchDirectory(dir: string, onEvent: () => void): { close(): void } {
  try {
    return watch(dir, { persistent: false }, onEvent).on('error', () => undefined)
  } catch {
    return { close: () => undefined }
  }
}
