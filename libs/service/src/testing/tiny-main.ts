/** The least server program: it starts, says so, and asks itself to stop. */
import { program } from '@pallas/config'
import { runServer } from '../run-server.ts'
import { serverSettings } from '../server-settings.ts'

await runServer(process, {
  program: program({ name: 'athenz-tiny', envPrefix: 'TINY', summary: 'Does nothing.', schema: serverSettings }),
  version: '1.2.3',
  start: async (_settings, { log, version }) => {
    log.warn({ version }, 'started')
    setImmediate(() => process.kill(process.pid, 'SIGTERM'))
    return { async [Symbol.asyncDispose]() {} }
  },
})
