/** JSON lines in the form of every other program of the suite: a static message, facts in fields, ISO times. */
import type { Clock, Invocation } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { LOG_LEVELS } from './settings/settings-common.ts'

export type LogLevel = (typeof LOG_LEVELS)[number]

/** What may be said. No field can hold a key, a token or a CSR. */
export interface LogFields {
  /** What broke, told with its causes; the code of a refusal becomes the field `reason`. */
  readonly err?: unknown
  readonly serial?: string
  /** Epoch milliseconds in, RFC 3339 in the line. */
  readonly notAfter?: number
  readonly renewAt?: number
  readonly delayMs?: number
  readonly path?: string
  /** Of the role or the domain that it is about. */
  readonly name?: string | undefined
  readonly jumpedMs?: number
  /** The end of what a hook printed, without what looks like a secret. */
  readonly output?: string
}

type Write = (fields: LogFields, message: string) => void
export type Log = Readonly<Record<'error' | 'warn' | 'info' | 'debug', Write>>

const RANK = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const

/** Writes lines of at least `least` to standard output. */
export function createLog(
  program: string,
  least: LogLevel,
  clock: Pick<Clock, 'now'>,
  to: Pick<Invocation, 'out'>,
): Log {
  const at =
    (level: keyof Log): Write =>
    ({ err, notAfter, renewAt, ...fields }, msg) => {
      if (RANK[level] < RANK[least]) return
      const reason = err instanceof IdentityError ? err.code : undefined
      const times = { notAfter: isoTime(notAfter), renewAt: isoTime(renewAt) }
      const line = { level, time: isoTime(clock.now()), program, reason, ...fields, ...times, err: chainOf(err), msg }
      try {
        to.out(`${JSON.stringify(line)}\n`)
      } catch {
        // Whoever read the log has gone; the credentials of the pod must not go with them.
      }
    }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

interface Explained {
  readonly type: string
  readonly code?: string
  readonly message: string
  readonly fields?: unknown
  readonly cause?: Explained
}

/** An error and what caused it, without stacks. */
function chainOf(error: unknown): Explained | undefined {
  if (!(error instanceof Error)) return undefined
  const cause = chainOf(error.cause)
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    message: error.message,
    ...('fields' in error ? { fields: error.fields } : {}),
    ...(cause === undefined ? {} : { cause }),
  }
}

const isoTime = (ms: number | undefined): string | undefined =>
  // oxlint-disable-next-line no-restricted-globals -- writes down a time it is given, reads no clock
  ms === undefined || !Number.isFinite(ms) ? undefined : new Date(ms).toISOString()
