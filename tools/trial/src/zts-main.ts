#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
/** The program of the trial's image: a ZTS; with `serve DIR PORT` or `call DIR HOST PORT` one of the two pods that show an identity. */
import { runMain, systemClock } from '@pallas/runtime'
import { runServer } from '@pallas/service/main'
import manifest from '../package.json' with { type: 'json' }
import { ztsProgram } from './in-cluster/zts-settings.ts'

const [verb, dir = '/tls', ...rest] = process.argv.slice(2)
if (verb === 'serve' || verb === 'call') {
  await runMain(process, async (invocation) => {
    const { call, serve } = await import('./in-cluster/workload.ts')
    const options = { dir, clock: systemClock, say: (line: string) => invocation.out(`${line}\n`) }
    return verb === 'serve' ? serve(options, { port: Number(rest[0]) }) : call(options, { host: String(rest[0]), port: Number(rest[1]) })
  }, `athenz-trial-${verb}`)
} else {
  await runServer(process, {
    program: ztsProgram,
    version: manifest.version,
    start: async (settings, deps) => {
      const { startTrialZts } = await import('./in-cluster/zts.ts')
      return startTrialZts(settings, deps)
    },
  })
}
