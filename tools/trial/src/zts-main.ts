#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
/** The program of the trial's image: a ZTS; with `serve DIR PORT`, `call DIR HOST PORT` or `ask DIR HOST PORT` a pod that has an identity. */
import { runMain, systemClock } from '@pallas/runtime'
import { runServer } from '@pallas/service/main'
import manifest from '../package.json' with { type: 'json' }
import { ztsProgram } from './in-cluster/zts-settings.ts'

const [verb, dir = '/tls', ...rest] = process.argv.slice(2)

if (verb === 'serve' || verb === 'call' || verb === 'ask') {
  await runMain(process, async (invocation) => {
    const { ask, call, serve } = await import('./in-cluster/workload.ts')
    const options = { dir, clock: systemClock, say: (line: string) => invocation.out(`${line}\n`) }
    if (verb === 'serve') return serve(options, { port: Number(rest[0]) })
    const to = { host: String(rest[0]), port: Number(rest[1]) }
    return verb === 'call' ? call(options, to) : ask(options, to)
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
