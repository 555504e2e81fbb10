import type { Clock } from '@pallas/host'
import { readBounded } from './read-bounded.ts'
import { watchFiles } from './watch-files.ts'

/** What a file says, for as long as it is open: never older than the last good content that was seen. */
export interface WatchedFile<T> extends AsyncDisposable {
  current(): T
  /** Called after `current` has changed. Returns what ends the calls. */
  onChange(listener: () => void): () => void
}

export interface WatchedFileOptions<T> {
  readonly path: string
  /** Throws for content that must not count. */
  readonly parse: (text: string) => T
  readonly clock: Clock
  /** Told of each good content after the first, also of one that was there before a bad one. Must not throw. */
  readonly onChange?: (now: T, before: T) => void
  /** Told of each bad content after the first, and of a file that cannot be read: the old value stays. Must not throw. */
  readonly onFailure: (error: unknown) => void
  /** How often to look even when the kernel told nothing. */
  readonly pollMs?: number
  readonly maxBytes?: number
}

/** How far apart two looks must see the same before it counts. */
export const SETTLED_MS = 1_000
const MOST_LOOKS = 30

/**
 * Rejects when the file cannot be read or parsed at the start. Follows every kind of replacement that `watchFiles` does.
 * Half a file can read like a whole one that says less: new content counts once two looks a second apart agree on it.
 */
export async function openWatchedFile<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
  const { path, parse, clock, onFailure, pollMs = 30_000, maxBytes = 1_048_576 } = options
  const listeners = new Set<() => void>()
  const stop = new AbortController()
  let seen: Seen | undefined
  let value: T

  const take = async (): Promise<void | 'again'> => {
    const now = await lookUntilSettled(() => look(path, maxBytes), clock, stop.signal)
    if (now === undefined) return
    if (isSame(now, seen)) return now.text === undefined ? 'again' : undefined
    seen = now
    try {
      if (now.text === undefined) throw now.error
      const before = value
      value = parse(now.text)
      options.onChange?.(value, before)
    } catch (error) {
      onFailure(error)
      return now.text === undefined ? 'again' : undefined
    }
    for (const listener of listeners) listener()
  }

  await using scope = new AsyncDisposableStack()
  const opened = Promise.withResolvers<boolean>()
  const onChange = async (): Promise<void | 'again'> => ((await opened.promise) ? take() : undefined)
  scope.use(watchFiles([path], { clock, onChange, pollMs }))
  scope.defer(() => {
    stop.abort()
    opened.resolve(false)
  })
  const text = await readBounded(path, maxBytes)
  value = parse(text)
  seen = { text }
  opened.resolve(true)
  const parts = scope.move()
  return {
    current: () => value,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

type Seen = { readonly text: string } | { readonly text: undefined; readonly error: unknown }

const look = (path: string, maxBytes: number): Promise<Seen> =>
  readBounded(path, maxBytes).then(
    (text) => ({ text }),
    (error: unknown) => ({ text: undefined, error }),
  )

/** What cannot be read is told at once, for it changes nothing. Undefined when it is asked to end. */
async function lookUntilSettled(look: () => Promise<Seen>, clock: Clock, signal: AbortSignal): Promise<Seen | undefined> {
  let before = await look()
  for (let looks = 1; looks < MOST_LOOKS; looks++) {
    if (before.text === undefined) return before
    await clock.sleep(SETTLED_MS, signal).catch(() => {})
    if (signal.aborted) return undefined
    const now = await look()
    if (now.text === before.text) return now
    before = now
  }
  return { text: undefined, error: new Error('the file comes to no rest') }
}

/** What cannot be read for the reason that was told is no news. */
function isSame(now: Seen, before: Seen | undefined): boolean {
  if (now.text !== undefined || before === undefined || before.text !== undefined) return now.text === before?.text
  return String(now.error) === String(before.error)
}
