/** Runs `athenz-sia` on a pod in memory, its settings read as from a command line. */
import { readSettings } from '@pallas/config/testing'
import type { CompanionHome } from '../companions.ts'
import { program } from '../settings/settings.ts'
import { startSia } from '../start.ts'
import type { Pod } from './pod.ts'

export const runSiaOn = (pod: Pod, argv: readonly string[], companions?: CompanionHome, env: Record<string, string> = {}) =>
  running((signal) => startSia(readSettings(program, { argv, env }), { ...pod, companions }, signal))

/** A run with its end, whichever that is, and a way to bring it about. */
export function running(start: (signal: AbortSignal) => Promise<void>) {
  const stop = new AbortController()
  const done = start(stop.signal)
  const failed = done.then(
    () => undefined,
    (error: unknown) => error,
  )
  const stopped = () => {
    stop.abort()
    return done
  }
  return { done, failed, stopped }
}
