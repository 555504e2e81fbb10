/** Both programs, from what they were given to their exit code, on any machine behind the door. */
import type { Host, Invocation } from '@pallas/host'
import { controlProgram } from './control-settings.ts'
import { startControlSia } from './control-start.ts'
import { createLog, type Log, type LogLevel } from './log.ts'
import { runProgram } from './run.ts'
import { program } from './settings.ts'
import { startSia } from './start.ts'
import { VERSION } from './version.ts'

export const runSia = (host: Host, invocation: Invocation): Promise<number> =>
  runProgram(program, VERSION, invocation, (settings) =>
    startSia(settings, { host, log: logOf(program.name, settings, host, invocation) }, invocation.signal),
  )

export const runControlSia = (host: Host, invocation: Invocation): Promise<number> =>
  runProgram(controlProgram, VERSION, invocation, (settings) =>
    startControlSia(settings, { host, log: logOf(controlProgram.name, settings, host, invocation) }, invocation.signal),
  )

const logOf = (name: string, settings: { readonly logLevel: LogLevel }, { clock }: Host, invocation: Invocation): Log =>
  createLog({ program: name, level: settings.logLevel, clock, out: (text) => invocation.out(text) })
