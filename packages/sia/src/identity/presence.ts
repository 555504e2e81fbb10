/** Waiting, but not for ever, for what the volume driver and the agent put into a pod. */
import type { Clock, Files } from '@pallas/host'
import { IdentityError } from '@pallas/identity'

/** What comes with the pod is often but milliseconds away; what does not is not worth looking for all the time. */
const LOOK_AGAIN_MS = { first: 5, longest: 100 }

export interface PresenceDeps {
  readonly files: Pick<Files, 'stat'>
  readonly clock: Clock
  readonly timeoutMs: number
  /** Told once for each path that is not there yet. */
  readonly onWait: (path: string) => void
}

/** Resolves as soon as something lies at every path; throws `AGENT_UNAVAILABLE` when the time is over. */
export async function present(paths: readonly string[], deps: PresenceDeps, signal: AbortSignal): Promise<void> {
  const { files, clock, timeoutMs, onWait } = deps
  const giveUpAt = clock.monotonic() + timeoutMs
  for (const path of paths) {
    for (let looks = 0; (await files.stat(path)) === undefined; looks++) {
      if (looks === 0) onWait(path)
      const leftMs = giveUpAt - clock.monotonic()
      if (leftMs <= 0) throw absent(path)
      await clock.sleep(Math.min(leftMs, LOOK_AGAIN_MS.first * 2 ** looks, LOOK_AGAIN_MS.longest), signal)
    }
  }
}

const absent = (path: string) =>
  new IdentityError('AGENT_UNAVAILABLE', 'a file of the identity volume is not there', { path })
