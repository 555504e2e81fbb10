/** Keeps the contract of mounts in the static home, where it is started, and prints what became of each promise. */
import { checkMounts } from '@pallas/host/testing'
import { mkdtemp } from 'node:fs/promises'
import { openRemoteHost } from './remote-host.ts'

const [parent = '', door = ''] = process.argv.slice(2)

const report = await checkMounts(async () => {
  const remote = openRemoteHost(door)
  return {
    host: remote.host,
    dir: await mkdtemp(`${parent}/m-`),
    makeFifo: async () => undefined,
    pass: (ms) => remote.host.clock.sleep(ms),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
})
process.stdout.write(JSON.stringify(report))
