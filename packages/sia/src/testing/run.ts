/** Runs `athenz-sia` on a pod in memory, its settings read as from a command line. */
import { readProgram } from '@pallas/config'
import type { CompanionHome } from '../companions.ts'
import { program, type SiaSettings } from '../settings/settings.ts'
import { startSia } from '../start.ts'
import type { Pod } from './pod.ts'

export function settingsOf(argv: readonly string[], env: Record<string, string> = {}): SiaSettings {
  const reading = readProgram(program, { argv, env, version: '0' })
  if (reading.kind === 'print') throw new Error(reading.text)
  return reading.settings
}

export function runSiaOn(pod: Pod, argv: readonly string[], companions?: CompanionHome, env: Record<string, string> = {}) {
  const stop = new AbortController()
  const done = startSia(settingsOf(argv, env), { ...pod, companions }, stop.signal)
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
