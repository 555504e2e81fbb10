/**
 * `npm run bench:cluster`: makes the images, installs the suite on the cluster that is up on this machine, measures, takes it
 * away again. The ZTS is the embedded one, in this process, made as slow as in the sandbox's benches.
 */
import { REPOSITORY } from '@pallas/build'
import { explain } from '@pallas/images'
import { describeCluster } from '@pallas/real-cluster'
import { runBenches } from '@pallas/suite/figures'
import { imagesAreMade } from '../made-images.ts'
import { stopSignal } from '../stop-signal.ts'
import { openWorld } from '../world/open-world.ts'
import { uninstall } from '../world/uninstall.ts'
import type { Bench, BenchContext } from './bench.ts'
import { clusterBurstBench } from './cluster-burst.ts'
import { clusterMemoryBench } from './cluster-memory.ts'
import { HELP, parseCommand, type RunCommand } from './command.ts'
import { podStartBench } from './pod-start.ts'
import { watchPodTimes } from './pod-times.ts'

const BENCHES: readonly Bench[] = [podStartBench, clusterBurstBench, clusterMemoryBench]
const EX_USAGE = 64
const ZTS_MS = 20
const ISOLATION = 'containers of a real Kubernetes'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const mutter = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const command = parseCommand(argv, BENCHES.map(({ name }) => name))
  switch (command.kind) {
    case 'help':
      say(HELP)
      return 0
    case 'wrong':
      mutter(`${command.problem}\n\n${HELP}`)
      return EX_USAGE
    case 'run':
      return run(command, signal)
  }
}

async function run(command: RunCommand, signal: AbortSignal): Promise<number> {
  const cluster = await describeCluster()
  if (cluster.state !== 'up') {
    mutter(`the cluster is ${cluster.state}: bring it up with \`npm run cluster -- up\``)
    return 1
  }
  if (!(await imagesAreMade(signal, mutter))) return 1
  try {
    return await measure(command, signal)
  } finally {
    if (!command.keep) await uninstall(cluster, () => undefined)
  }
}

async function measure({ names, quick, pods, out, markdown }: RunCommand, signal: AbortSignal): Promise<number> {
  await using world = await openWorld()
  world.zts.faults.slow(ZTS_MS)
  await using times = await watchPodTimes(world.api, { namespace: 'shop' })
  const contextOf = ({ name }: Bench): BenchContext => ({ world, times, quick, pods, signal, say: (line) => mutter(`${name}: ${line}`) })
  const benches = BENCHES.filter(({ name }) => names.includes(name)).map((bench) => ({ ...bench, run: () => bench.run(contextOf(bench)) }))
  // Awaited here: the world must outlive it.
  return await runBenches(benches, { root: REPOSITORY, isolation: ISOLATION, quick, markdown, out, say, mutter, signal })
}

process.exitCode = await main(process.argv.slice(2), stopSignal()).catch((error: unknown) => {
  mutter(explain(error))
  return 1
})
