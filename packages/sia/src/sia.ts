import type { Host, Invocation } from '@pallas/host'
import type { CompanionHome } from './companions.ts'
import { createLog } from './log.ts'
import { runProgram } from './run.ts'
import { program } from './settings/settings.ts'
import { startSia } from './start.ts'
import { VERSION } from './version.ts'

/** `athenz-sia` on any machine behind the door: from what it was given to its exit code. */
export const runSia = (host: Host, invocation: Invocation, companions?: CompanionHome): Promise<number> =>
  runProgram(program, VERSION, invocation, (settings) => {
    const log = createLog(program.name, settings.logLevel, host.clock, invocation)
    return startSia(settings, { host, log, companions }, invocation.signal)
  })
