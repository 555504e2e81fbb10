import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '@pallas/host'
import { runUntilDisposed } from './run-until-disposed.ts'

export interface WatchFilesOptions {
  readonly clock: Clock
  /** Called after a change has settled, never twice at a time; it must not reject. `again`: call at the next look too. */
  readonly onChange: () => void | 'again' | Promise<void | 'again'>
  /** How often to look even when the kernel told nothing. */
  readonly pollMs?: number
  /** How long to let a burst of changes settle. */
  readonly settleMs?: number
}

/**
 * Watches files that others replace: in place, by rename, or by the `..data` symlink of a mounted volume. Files may be
 * missing or out of reach for a while, which is a change as any other. What counts as the old state is taken at once, so that whoever watches first and reads then misses nothing.
 */
export function watchFiles(paths: readonly string[], options: WatchFilesOptions): AsyncDisposable {
  const { clock, onChange, pollMs = 60_000, settleMs = 100 } = options
  let seen = fingerprint(paths)
  let wake = Promise.withResolvers<void>()
  const watchers = watchDirectories(paths, () => wake.resolve())

  const running = runUntilDisposed(async (signal) => {
    while (!signal.aborted) {
      await eventOrPoll(wake.promise, clock, pollMs, signal)
      await clock.sleep(settleMs, signal)
      wake = Promise.withResolvers()
      const now = fingerprint(paths)
      if (now === seen) continue
      seen = (await onChange()) === 'again' ? '' : now
    }
  })

  return {
    async [Symbol.asyncDispose]() {
      const ended = running[Symbol.asyncDispose]()
      for (const watcher of watchers) watcher.close()
      await ended
    },
  }
}

async function eventOrPoll(event: Promise<void>, clock: Clock, pollMs: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController()
  const poll = clock.sleep(pollMs, AbortSignal.any([signal, done.signal]))
  poll.catch(() => {})
  try {
    await Promise.race([event, poll])
  } finally {
    done.abort()
  }
}

/** A directory that cannot be watched is left to the poll. */
function watchDirectories(paths: readonly string[], onEvent: () => void): FSWatcher[] {
  return [...new Set(paths.map((path) => dirname(path)))].flatMap((directory) => {
    try {
      return [watch(directory, { persistent: false }, onEvent).on('error', () => {})]
    } catch {
      return []
    }
  })
}

const fingerprint = (paths: readonly string[]): string => paths.map(stateOf).join(' ')

/** A path that cannot be looked at, as during a swap or a failing disk, is in a state of its own: that too passes. */
function stateOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return 'none'
    return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`
  } catch (error) {
    return `error:${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}`
  }
}
