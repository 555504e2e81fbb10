import type { Invocation } from '@pallas/host'
import { writeSync } from 'node:fs'
import { errnoOf } from './host-error.ts'

// `process.stdout` would build a stream first, which costs a short program milliseconds.
const STDOUT = 1
const STDERR = 2

/**
 * What this process was given. The first SIGTERM or SIGINT aborts `signal`; from the second on the system's default
 * applies and ends the process. Texts are written before the call returns, so that ending at once loses none.
 */
export function nodeInvocation(from: NodeJS.Process): Invocation {
  const stop = new AbortController()
  const signals = ['SIGTERM', 'SIGINT'] as const
  const onSignal = (signal: NodeJS.Signals) => {
    for (const each of signals) from.off(each, onSignal)
    stop.abort(new Error(`stopped by ${signal}`))
  }
  for (const signal of signals) from.on(signal, onSignal)
  return {
    argv: from.argv.slice(2),
    env: from.env,
    signal: stop.signal,
    out: (text) => writeAll(STDOUT, text),
    err: (text) => writeAll(STDERR, text),
  }
}

function writeAll(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      // A pipe that somebody made non-blocking is full: its reader has to catch up.
      if (errnoOf(error) !== 'EAGAIN') throw error
    }
  }
}
