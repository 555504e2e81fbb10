/** What the agent of a node holds: alone, with a hundred pods, with two hundred and fifty, and after many renewals. */
import { existsSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type Figure, type FigureOptions, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { obtain } from '../callers.ts'
import { type BenchCluster, openCluster, replaceAgent } from '../cluster.ts'
import { createLaunches, type Launch, type Launches } from '../launches.ts'
import { type Memory, memoryOf } from '../proc.ts'
import { withFlags } from '../profile/cpu.ts'
import { heapFlags, readHeapProfile } from '../profile/heap.ts'
import { fromSource } from '../programs.ts'
import { pause, until } from '../wait.ts'

export const agentMemoryBench: Bench = {
  name: 'agent-memory',
  doc: 'resident memory of the agent with 0, 100 and 250 volumes that all have an identity, and after 3 000 renewals',
  run: runAgentMemory,
  profile: async (context) => {
    await using it = await openCluster(context)
    const out = mkdtempSync(join(context.dir, 'heap-'))
    const agent = await replaceAgent(it, withFlags(await bundle('agent', context.dir), heapFlags(out)))
    const launches = createLaunches({ it, driver: await bundle('driver', context.dir), context })
    const live: Launch[] = []
    await fill({ it, launches, live, to: 20 }, context)
    await agent[Symbol.asyncDispose]()
    return ['identity-agent with 20 volumes, bundled: what its heap was taken for', ...readHeapProfile(out)]
  },
}

async function runAgentMemory(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick, say, signal } = context
  const sizes = quick ? { some: 10, many: 25, rounds: 3 } : { some: 100, many: 250, rounds: 12 }
  await using it = await openCluster(context)
  const fromText = await measure((await replaceAgent(it, fromSource('agent'))).pid, context)
  const agent = await replaceAgent(it, await bundle('agent', dir))
  const launches = createLaunches({ it, driver: await bundle('driver', dir), context })
  const live: Launch[] = []
  const memory = () => measure(agent.pid, context)

  const empty = await memory()
  await fill({ it, launches, live, to: sizes.some }, context)
  const some = await memory()
  await fill({ it, launches, live, to: sizes.many }, context)
  const many = await memory()
  const after: Memory[] = []
  for (let round = 1; round <= sizes.rounds; round++) {
    for (const { pod, mountDir } of live) await obtain({ pod, mountDir }, 'refresh', it.cluster.state.procRoot, signal)
    if (round % (sizes.rounds / 3) === 0) after.push(await memory())
    say(`${round * live.length} renewals`)
  }
  for (const launch of live) await launch.end()
  const [first = many, second = many, third = many] = after
  const renewals = sizes.rounds * live.length
  const thirds = [first, second, third].map(({ resident }) => resident.toFixed(1)).join(', ')
  const hours = Math.round(sizes.rounds * HOURS_BETWEEN_RENEWALS)
  return [
    told('no volumes, from source', fromText, {}),
    told('no volumes', empty, { line: 'agent-memory-0' }),
    told(`${sizes.some} volumes`, some, quick ? {} : { line: 'agent-memory-100' }),
    told(`${sizes.many} volumes`, many, quick ? {} : { line: 'agent-memory-250' }),
    told(`${sizes.many} volumes, after ${renewals} renewals`, third, {
      notes: [`as many as certificates of a day need in ${hours} hours; after each third ${thirds} MiB`],
    }),
    value('agent-memory: growth over the last third of the renewals', third.resident - second.resident, {
      unit: 'MiB',
      n: renewals,
      line: 'agent-growth',
    }),
  ]
}

const HOURS_BETWEEN_RENEWALS = 12

function told(name: string, memory: Memory, { notes = [], ...options }: Omit<FigureOptions, 'unit'>): Figure {
  const { resident, proportional, anonymous } = memory
  const more = `proportional ${proportional.toFixed(1)} MiB, of no file ${anonymous.toFixed(1)} MiB`
  return value(`agent-memory: ${name}`, resident, { unit: 'MiB', notes: [more, ...notes], ...options })
}

async function measure(pid: number, { quick, signal }: BenchContext): Promise<Memory> {
  await pause(quick ? 1_000 : 15_000, signal)
  return memoryOf(pid)
}

interface Filling {
  readonly it: BenchCluster
  readonly launches: Launches
  readonly live: Launch[]
  readonly to: number
}

/** Every one of them with a volume that the agent serves and a certificate that it has issued. */
async function fill({ it, launches, live, to }: Filling, { signal }: BenchContext): Promise<void> {
  while (live.length < to) {
    const launch = await launches.next()
    live.push(launch)
    await until('a socket', () => existsSync(`${launch.mountDir}/connect/agent.sock`) || undefined, {}, signal)
    await obtain(launch, 'init', it.cluster.state.procRoot, signal)
  }
}
