/** Programs bound to one core each, so that who serves and who asks do not share one. */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

export const SERVER_CORE = 0
export const CLIENT_CORE = 1

/** Whether this machine lets us: it has two cores, and `taskset`. */
export const canPin = (): boolean => cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

export const pinned = (argv: readonly string[], core: number): readonly string[] =>
  canPin() ? ['taskset', '-c', String(core), ...argv] : argv
