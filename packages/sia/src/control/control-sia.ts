import type { Host, Invocation } from '@pallas/host'
import { controlProgram } from './control-settings.ts'
import { startControlSia } from './control-start.ts'
import { createLog } from '../log.ts'
import { runProgram } from '../run.ts'
import { VERSION } from '../version.ts'

/** `athenz-control-sia` on any machine behind the door: from what it was given to its exit code. */
export const runControlSia = (host: Host, invocation: Invocation): Promise<number> =>
  runProgram(controlProgram, VERSION, invocation, (settings) => {
    const log = createLog(controlProgram.name, settings.logLevel, host.clock, invocation)
    return startControlSia(settings, { host, log }, invocation.signal)
  })
