#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { readProgram } from '@pallas/config'
import { createLogger, runMain, systemClock } from '@pallas/runtime'
import { program } from './settings.ts'
import { startIdentityAgent } from './start.ts'

const VERSION = '0.1.0'

await runMain(process, async ({ argv, env, out }) => {
  const reading = readProgram(program, { argv, env, version: VERSION })
  if (reading.kind === 'print') return out(reading.text)
  const { settings } = reading
  const log = createLogger(program.name, { level: settings.logLevel })
  const ownUid = process.geteuid?.() ?? 0
  return startIdentityAgent(settings, { clock: systemClock, log, env, ownUid, version: VERSION })
})
