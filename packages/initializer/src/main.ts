#!/usr/bin/env node
import { runMain } from '@pallas/runtime'
import { runServer } from '@pallas/service/main'
import manifest from '../package.json' with { type: 'json' }
import { program } from './settings.ts'

const { version } = manifest

if (process.argv[2] === 'render-policy') {
  await runMain(
    process,
    async ({ argv, ...invocation }) => {
      const { runRenderPolicy } = await import('./policy/run.ts')
      return runRenderPolicy({ ...invocation, argv: argv.slice(1) }, version)
    },
    program.name,
  )
} else {
  await runServer(process, {
    program,
    version,
    start: async (settings, deps) => {
      const { startInitializer } = await import('./start.ts')
      return startInitializer(settings, deps)
    },
  })
}
