/** Where a user keeps what can be made again, by what it is: `~/.cache/pallas/<what>`, or below `XDG_CACHE_HOME`. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** An empty variable counts as unset. */
export const userCache = (what: string, env: NodeJS.ProcessEnv): string =>
  join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'pallas', what)
