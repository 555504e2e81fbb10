import { execFileSync } from 'node:child_process'

/** Runs openssl; throws with its words when it does not say yes. */
export const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
