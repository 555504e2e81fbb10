import './prelude.ts'
import type { Host, Invocation } from '@pallas/host'
import { staticClock } from './clock.ts'
import { staticFiles } from './files.ts'
import { staticHttp } from './http.ts'
import { staticKeys } from './keys.ts'
import { staticMounts } from './mounts.ts'
import { native } from './native.ts'

/** The static home of the door: this machine, as this process may use it. */
export const staticHost = (): Host => ({
  clock: staticClock(),
  files: staticFiles(),
  http: staticHttp(),
  keys: staticKeys(),
  mounts: staticMounts(),
})

/** What this process was given. The first SIGTERM or SIGINT aborts `signal`; the second ends the process. */
export function staticInvocation(): Invocation {
  const stop = new AbortController()
  native.onStop((signal) => stop.abort(new Error(`stopped by ${signal}`)))
  const { argv, env } = native
  return { argv, env, signal: stop.signal, out: (text) => native.out(text.toWellFormed()), err: (text) => native.err(text.toWellFormed()) }
}

/** Runs a program behind this door, and ends the process with the exit code that it resolves with. */
export function start(program: (host: Host, invocation: Invocation) => Promise<number>): void {
  program(staticHost(), staticInvocation()).then(
    (code) => native.end(code),
    (error: unknown) => native.breakDown(error instanceof Error ? `${error.name}: ${error.message}` : 'it threw what is no error'),
  )
}
