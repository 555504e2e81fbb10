/** Who a test may act as. */
import { readFileSync } from 'node:fs'

const EVERY_ID = 4_294_967_295

/** Root with every user and group of the machine, and not a user namespace that maps one id to root. */
export const actsAsAnybody: boolean =
  process.getuid?.() === 0 && readFileSync('/proc/self/uid_map', 'utf8').trim().endsWith(` ${EVERY_ID}`)
