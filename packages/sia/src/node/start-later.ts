/** A server whose TLS files somebody has still to write, maybe this program itself, starts once they can be used. */
import type { Clock } from '@pallas/host'
import { ServiceError } from '@pallas/service'

const AGAIN_MS = 1_000

export interface StartLaterDeps {
  readonly clock: Clock
  /** Told once for each kind of failure. */
  readonly onWait: (error: unknown) => void
}

export interface Later extends AsyncDisposable {
  readonly isStarted: () => boolean
}

type Open = () => Promise<AsyncDisposable>

/** Rejects when the first attempt fails for another reason than TLS files. `open` leaves nothing open when it fails. */
export async function startLater(open: Open, deps: StartLaterDeps, signal: AbortSignal): Promise<Later> {
  const stop = new AbortController()
  let opened: AsyncDisposable | undefined
  let waiting: Promise<void> | undefined
  try {
    opened = await open()
  } catch (error) {
    if (!isTlsFiles(error)) throw error
    deps.onWait(error)
    waiting = keepTrying(open, deps, AbortSignal.any([signal, stop.signal])).then((it) => void (opened = it))
  }
  return {
    isStarted: () => opened !== undefined,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await waiting
      await opened?.[Symbol.asyncDispose]()
    },
  }
}

/** Undefined when it was stopped before. */
async function keepTrying(open: Open, { clock, onWait }: StartLaterDeps, signal: AbortSignal) {
  const told = new Set<string>()
  while (!signal.aborted) {
    try {
      await clock.sleep(AGAIN_MS, signal)
      return await open()
    } catch (error) {
      if (signal.aborted) return undefined
      const kind = error instanceof Error ? error.message : ''
      if (!told.has(kind)) onWait(error)
      told.add(kind)
    }
  }
  return undefined
}

const isTlsFiles = (error: unknown): boolean => error instanceof ServiceError && error.code === 'SERVICE_TLS_FILES'
