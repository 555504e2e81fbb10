/**
 * `npm run test:cluster`: makes the images, runs the suite on the cluster that is up on this machine, takes it away again and
 * looks for mounts that are left. The arguments are vitest's; `--keep` leaves it installed, for a look.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { explain } from '@pallas/images'
import { type Cluster, describeCluster } from '@pallas/real-cluster'
import { eventually } from '@pallas/suite'
import { imagesAreMade } from './made-images.ts'
import { allMounts, newIn } from './processes.ts'
import { stopSignal } from './stop-signal.ts'
import { outcomeIn } from './world/install.ts'
import { uninstall } from './world/uninstall.ts'

const KEEP = '--keep'
const MOUNTS_GO_MS = 90_000

const say = (line: string): void => void process.stderr.write(`${line}\n`)

const seconds = (start: number): string => `${((performance.now() - start) / 1_000).toFixed(1)} s`

async function runTests(args: readonly string[], signal: AbortSignal): Promise<number> {
  const env = { ...process.env, PALLAS_SUITE_RUN: randomUUID() }
  const argv = ['run', '--config', 'vitest.cluster.config.ts', ...args]
  const child = spawn(join(REPOSITORY, 'node_modules/.bin/vitest'), argv, { cwd: REPOSITORY, stdio: 'inherit', env })
  signal.addEventListener('abort', () => void child.kill('SIGTERM'))
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

async function takeAway(cluster: Cluster, before: readonly string[]): Promise<void> {
  const start = performance.now()
  await uninstall(cluster, () => undefined)
  const left = () => newIn(allMounts(), before)
  await eventually('the end of its mounts', () => (left().length === 0 ? true : undefined), MOUNTS_GO_MS).catch((cause: unknown) => {
    throw new Error(`mounts are left: ${left().join(' ')}`, { cause })
  })
  say(`the suite is uninstalled, and no mount of it is left (${seconds(start)})`)
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const cluster = await describeCluster()
  if (cluster.state !== 'up') {
    say(`the cluster is ${cluster.state}: bring it up with \`npm run cluster -- up\``)
    return 1
  }
  const before = allMounts()
  if (!(await imagesAreMade(signal, say))) return 1
  const code = await runTests(args.filter((arg) => arg !== KEEP), signal)
  if (signal.aborted || args.includes(KEEP) || outcomeIn(cluster) === undefined) return code
  await takeAway(cluster, before)
  return code
}

// A terminal's Ctrl-C reaches the tests as well; what they have made goes with the cluster, or with the next run.
process.exitCode = await main(process.argv.slice(2), stopSignal()).catch((error: unknown) => {
  say(explain(error))
  return 1
})
