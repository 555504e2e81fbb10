/** The life of a program behind the door: its settings, its exit code, and one sentence when it fails. */
import { ConfigError, type Program, readProgram, type Schema, type SettingsOf } from '@pallas/config'
import type { Invocation } from '@pallas/host'
import { IdentityError, REASONS } from '@pallas/identity'

export const EXIT = { ok: 0, failed: 1, settings: 64, unavailable: 75, denied: 77 } as const

/** An init container that ends with 0 has done its work: one that was stopped before has not. */
const STOPPED = 'stopped before the work was done'

/** Never rejects: resolves with the exit code. `start` resolves when its work is done. */
export async function runProgram<S extends Schema>(
  program: Program<S>,
  version: string,
  invocation: Invocation,
  start: (settings: SettingsOf<Program<S>>) => Promise<void>,
): Promise<number> {
  const { argv, env, signal } = invocation
  try {
    const reading = readProgram(program, { argv, env, version })
    if (reading.kind === 'print') invocation.out(reading.text)
    else await start(reading.settings)
    return EXIT.ok
  } catch (error) {
    invocation.err(`${program.name}: ${signal.aborted ? STOPPED : sentenceOf(error)}\n`)
    return signal.aborted ? EXIT.unavailable : exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.settings
  if (!(error instanceof IdentityError)) return EXIT.failed
  if (error.kind === 'denied') return EXIT.denied
  return error.kind === 'unavailable' || error.kind === 'conflict' ? EXIT.unavailable : EXIT.failed
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  if (error instanceof IdentityError) {
    const word = error.kind === 'conflict' ? 'unavailable' : error.kind
    return `${word}: ${error.code}: ${error.message}. ${REASONS[error.code].doc}`
  }
  if (error instanceof ConfigError) return error.message
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  const cause = error.cause instanceof Error ? `; ${sentenceOf(error.cause)}` : ''
  return `${code}${error.message}${cause}`
}
