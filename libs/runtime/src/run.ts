import { once } from 'node:events'
import type { Invocation } from '@pallas/host'

export const EXIT = { ok: 0, failed: 1, settings: 64, unavailable: 75, denied: 77 } as const

/** What a program is when it is started: something to dispose when asked to stop, an exit code, or nothing more to do. */
export type Main = (invocation: Invocation) => Promise<AsyncDisposable | number | void>

/** The part of `process` that the life of a program needs. */
export type HostProcess = Pick<NodeJS.Process, 'argv' | 'env' | 'exitCode' | 'stdout' | 'stderr'> & NodeJS.EventEmitter

/**
 * The life of a process, and the only place that knows `process`.
 *
 * Runs `main`; what it returns is kept until SIGTERM or SIGINT and then disposed. A second signal kills. The exit code is
 * 0 when asked to stop, 64 for bad settings, 77 when denied, 75 when something is unavailable, 1 for the rest. Output is
 * never cut off: the process ends by itself when nothing is left to do. What went wrong is told on stderr, after `name`.
 */
export async function runMain(host: HostProcess, main: Main, name?: string): Promise<void> {
  const stop = new AbortController()
  const abort = (): void => {
    release()
    stop.abort(new DOMException('asked to stop', 'AbortError'))
  }
  const release = () => void host.off('SIGTERM', abort).off('SIGINT', abort)
  host.once('SIGTERM', abort).once('SIGINT', abort)
  try {
    host.exitCode = await live(host, main, stop.signal)
  } catch (error) {
    host.exitCode = exitCodeOf(error, stop.signal)
    if (host.exitCode !== EXIT.ok) host.stderr.write(`${name === undefined ? '' : `${name}: `}${explain(error)}\n`)
  } finally {
    release()
  }
}

async function live(host: HostProcess, main: Main, signal: AbortSignal): Promise<number> {
  const result = await main({
    argv: host.argv.slice(2),
    env: host.env,
    signal,
    out: (text) => void host.stdout.write(text),
    err: (text) => void host.stderr.write(text),
  })
  if (typeof result === 'number') return result
  if (result === undefined) return EXIT.ok
  await using _running = result
  if (!signal.aborted) await untilAborted(signal)
  return EXIT.ok
}

/** Holds the process: what runs may have nothing open that Node would wait for. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const hold = setInterval(() => {}, 2 ** 31 - 1)
  await once(signal, 'abort').finally(() => clearInterval(hold))
}

function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted && isAbort(error, signal)) return EXIT.ok
  if (!(error instanceof Error)) return EXIT.failed
  if ('code' in error && error.code === 'CONFIG_INVALID') return EXIT.settings
  if ('kind' in error && error.kind === 'denied') return EXIT.denied
  if ('kind' in error && error.kind === 'unavailable') return EXIT.unavailable
  return EXIT.failed
}

const isAbort = (error: unknown, signal: AbortSignal): boolean =>
  error === signal.reason || (error instanceof Error && error.name === 'AbortError')

/** Codes and messages down the chain of causes; the stack only of an error that is not one of ours. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const head = code === undefined ? (error.stack ?? error.message) : withCode(code, error.message)
  return error.cause instanceof Error ? `${head}\n  caused by ${explain(error.cause)}` : head
}

/** Wrong settings speak for themselves, and so does what the system says: it begins with its code. */
const withCode = (code: string, message: string): string =>
  code === 'CONFIG_INVALID' || message.startsWith(`${code}:`) ? message : `${code}: ${message}`
