#!/usr/bin/env node
import { readProgram } from '@pallas/config'
import { createLogger, createMetrics, runMain, systemClock } from '@pallas/runtime'
import { program } from './settings.ts'
import { startIdentityAgent } from './start.ts'

const VERSION = 'development version'

await runMain(process, async (invocation) => {
  const { argv, env } = invocation
  const reading = readProgram(program, { argv, env, version: VERSION })
  if (reading.kind === 'print') return invocation.out(reading.text)
  const { settings } = reading
  const log = createLogger(program.name, { level: settings.logLevel })
  const metrics = createMetrics('identity_agent', { process: true })
  const ownUid = process.geteuid?.() ?? 0
  return startIdentityAgent(settings, { clock: systemClock, log, metrics, env, ownUid, version: VERSION })
})
