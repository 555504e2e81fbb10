#!/usr/bin/env node
import { runServer } from '@pallas/service/main'
import manifest from '../package.json' with { type: 'json' }
import { program } from './settings.ts'

await runServer(process, {
  program,
  version: manifest.version,
  start: async (settings, deps) => {
    const { startJwtService } = await import('./start.ts')
    return startJwtService(settings, deps)
  },
})
