/**
 * The door to a machine: all that the volume driver and the SIA may ask of the place they run in.
 *
 * Two homes stand behind it, Node (`@pallas/linux`) and a static file without Node; `testing/contract.ts` is what both
 * promise. It is asynchronous throughout and knows no product word. It does not grow beyond what those programs call.
 */
import type { Clock } from './clock.ts'
import type { Files } from './files.ts'
import type { Http } from './http.ts'
import type { Keys } from './keys.ts'
import type { Mounts } from './mounts.ts'

export interface Host {
  readonly clock: Clock
  readonly files: Files
  readonly http: Http
  readonly keys: Keys
  readonly mounts: Mounts
}

/** What a program is given by whoever started it. `signal` aborts on SIGTERM or SIGINT, in any wait. */
export interface Invocation {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  out(text: string): void
  err(text: string): void
}
