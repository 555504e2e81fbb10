/** Waits for what comes by itself, never for ever. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterError, type ClusterErrorCode } from './error.ts'

export interface UntilOptions {
  readonly what: string
  readonly deadlineMs: number
  readonly code?: ClusterErrorCode
  readonly pollMs?: number
  /** Says more about the failure: the end of a log. */
  readonly explain?: () => string
  readonly signal?: AbortSignal | undefined
}

const POLL_MS = 50

/** Resolves when the test says true; one that throws has not said so yet. */
export async function until(test: () => boolean | Promise<boolean>, options: UntilOptions): Promise<void> {
  const { what, deadlineMs, code = 'CLUSTER_NOT_READY', pollMs = POLL_MS, explain, signal } = options
  const end = performance.now() + deadlineMs
  let cause: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      if (await test()) return
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) {
      throw new ClusterError(code, `${what} within ${deadlineMs / 1_000} s: waited in vain`, { detail: explain?.(), cause })
    }
    // An abort is told by its reason, above.
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  }
}
