/** A node that is filled at once: as many `init`s as a kubelet allows pods, all started in the same moment. */
import { type Figure, spread } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { openCluster, replaceAgent } from '../cluster.ts'
import { createLaunches, type Launch, type Launches } from '../launches.ts'
import { cpuTimeOf } from '../proc.ts'
import { staticPrograms } from '../static-programs.ts'

const ZTS_MS = 20

export const burstBench: Bench = {
  name: 'burst',
  doc: '110 × `athenz-sia --mode=init` at once, each in a pod of its own, with a ZTS of 20 ms, static and on Node',
  run: runBurst,
}

async function runBurst(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, say } = context
  await using it = await openCluster(context)
  const agent = await replaceAgent(it, await bundle('agent', dir))
  it.cluster.zts.faults.slow(ZTS_MS)
  const files = await staticPrograms(say)
  // Volumes are mounted before anything is measured.
  const launches = createLaunches({ it, driver: files?.driver ?? (await bundle('driver', dir)), context })
  const bundled = await bundle('sia', dir)
  return [
    ...(files === undefined ? [] : await bursts({ name: 'static', sia: files.sia, launches, agentPid: agent.pid }, context)),
    ...(await bursts({ name: 'bundled', sia: bundled, launches, agentPid: agent.pid }, context)),
  ]
}

interface Contender {
  readonly name: 'static' | 'bundled'
  readonly sia: readonly string[]
  readonly launches: Launches
  readonly agentPid: number
}

async function bursts({ name, sia, launches, agentPid }: Contender, { quick, say }: BenchContext): Promise<readonly Figure[]> {
  const [pods, rounds] = quick ? [20, 1] : [110, 5]
  const waits: number[] = []
  const cpus: number[] = []
  const agentCpus: number[] = []
  let failed = 0
  for (let round = 0; round < rounds; round++) {
    const volumes = await several(pods, () => launches.next())
    say(`${name}, round ${round + 1} of ${rounds}: ${pods} volumes are mounted`)
    const before = { children: cpuTimeOf('self').children, agent: cpuTimeOf(agentPid).own }
    const results = await atOnce(volumes, sia, launches)
    waits.push(...results.filter((ms) => ms !== undefined))
    failed += results.filter((ms) => ms === undefined).length
    cpus.push((cpuTimeOf('self').children - before.children) / pods)
    agentCpus.push((cpuTimeOf(agentPid).own - before.agent) / pods)
    for (const volume of volumes) await volume.end()
  }
  if (waits.length === 0) throw new Error('none of the burst got an identity')
  // One that fails is one that waits for ever.
  const endless = Array<number>(failed).fill(Infinity)
  return [
    spread(`burst: ${pods} at once, ${name}, start → credentials on disk`, [...waits, ...endless], {
      unit: 'ms',
      ...(quick || name !== 'static' ? {} : { line: 'burst' as const }),
      notes: [`${failed} of ${pods * rounds} failed; process starts, embedded ZTS and API server are part of the load`],
    }),
    spread(`burst: processor time of each init, ${name}`, cpus, { unit: 'CPU-ms' }),
    spread(`burst: processor time of the agent for each, ${name}`, agentCpus, { unit: 'CPU-ms' }),
  ]
}

/** Milliseconds from the one start until it has ended; undefined for one that failed. */
type Waited = number | undefined

async function atOnce(volumes: readonly Launch[], sia: readonly string[], launches: Launches): Promise<Waited[]> {
  const start = performance.now()
  const one = async (volume: Launch) => {
    try {
      await launches.init(volume, sia)
      return performance.now() - start
    } catch {
      return undefined
    }
  }
  return Promise.all(volumes.map(one))
}

async function several<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let i = 0; i < count; i++) made.push(await make())
  return made
}
