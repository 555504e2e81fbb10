#!/usr/bin/env node
import { readProgram } from '@pallas/config'
import { createLogger, createMetrics, runMain, systemClock } from '@pallas/runtime'
import { program } from './settings.ts'
import { startInitializer } from './start.ts'

await runMain(process, async (invocation) => {
  const { argv, env } = invocation
  const reading = readProgram(program, { argv, env, version: 'development version' })
  if (reading.kind === 'print') return invocation.out(reading.text)
  const log = createLogger(program.name, { level: reading.settings.logLevel })
  return startInitializer(reading.settings, { clock: systemClock, log, metrics: createMetrics('initializer', { process: true }) })
})
