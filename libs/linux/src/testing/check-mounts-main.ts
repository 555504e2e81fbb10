/** Keeps the contract of mounts where it is started, and prints what became of each promise. */
import { checkMounts } from '@pallas/host/testing'
import { mkdtemp } from 'node:fs/promises'
import { nodeMounts } from '../mounts.ts'
import { nodeHost } from '../node-host.ts'

const [parent = '', generation] = process.argv.slice(2)
const host = { ...nodeHost(), mounts: nodeMounts({ atOnce: generation !== 'two-calls' }) }

const report = await checkMounts(async () => ({
  host,
  dir: await mkdtemp(`${parent}/m-`),
  makeFifo: async () => undefined,
  pass: (ms) => host.clock.sleep(ms),
  [Symbol.asyncDispose]: async () => undefined,
}))
process.stdout.write(JSON.stringify(report))
