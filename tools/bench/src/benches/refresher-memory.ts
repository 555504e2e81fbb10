/** What a refresher holds while it waits: the only part of the suite that runs once for every pod. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram } from '@pallas/sandbox'
import { type Figure, medianOf, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { ENV, runToEnd } from '../children.ts'
import { openCluster, replaceAgent } from '../cluster.ts'
import { createLaunches, type Launches } from '../launches.ts'
import { placeProcess, siaArguments } from '../pods.ts'
import { type Memory, memoryOf } from '../proc.ts'
import { heapFlags, readHeapProfile } from '../profile/heap.ts'
import { withFlags } from '../profile/cpu.ts'
import { fromSource } from '../programs.ts'
import { staticPrograms } from '../static-programs.ts'
import { pause, until } from '../wait.ts'

export const refresherMemoryBench: Bench = {
  name: 'refresher-memory',
  doc: 'resident memory of `athenz-sia --mode=refresh` that has its credentials and waits',
  run: runRefresherMemory,
  profile: async (context) => {
    const argv = withFlags([...(await bundle('sia', context.dir)), '--help'], heapFlags(context.dir))
    await runToEnd(argv, {}, context.signal)
    return ['athenz-sia --help, bundled: what its heap was taken for', ...readHeapProfile(context.dir)]
  },
}

async function runRefresherMemory(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick, isolation, say, signal } = context
  await using it = await openCluster({ isolation, signal })
  await replaceAgent(it, await bundle('agent', dir))
  const launches = createLaunches({ it, driver: await bundle('driver', dir), context })
  const sia = await bundle('sia', dir)
  const files = await staticPrograms(say)
  const variants: readonly (readonly [string, readonly string[]])[] = [
    ...(files === undefined ? [] : [[STATIC, files.sia] as const]),
    [BUNDLED, sia],
    ['bundled, small heap', withFlags(sia, SMALL_HEAP)],
    ['bundled in one file', await bundle('sia', dir, { oneFile: true })],
    ['from source', fromSource('sia')],
  ]
  const where = { launches, procRoot: it.cluster.state.procRoot }
  const measured = new Map<string, Memory[]>()
  const keep = (name: string, memory: Memory) => measured.set(name, [...(measured.get(name) ?? []), memory])
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const [name, command] of variants) keep(name, await memoryOfRefresher(command, where, context))
    keep(BARE, await memoryOfBareNode(context))
  }
  return [...measured].flatMap(([name, all]) => figuresOf(name, all))
}

/** What V8 may be told by whoever starts it. */
const SMALL_HEAP = ['--max-semi-space-size=1', '--max-old-space-size=24', '--optimize-for-size']
const STATIC = 'static'
const BUNDLED = 'bundled'
const BARE = 'a Node that only waits'

function figuresOf(name: string, all: readonly Memory[]): readonly Figure[] {
  const of = (field: keyof Memory): number => medianOf(all.map((it) => it[field]))
  const notes = [`proportional ${of('proportional').toFixed(1)} MiB, of no file ${of('anonymous').toFixed(1)} MiB`]
  const line = name === STATIC ? ({ line: 'refresher-memory' } as const) : {}
  return [value(`refresher-memory: ${name}`, of('resident'), { unit: 'MiB', n: all.length, notes, ...line })]
}

interface Where {
  readonly launches: Launches
  readonly procRoot: string
}

async function memoryOfRefresher(command: readonly string[], where: Where, context: BenchContext): Promise<Memory> {
  const { launches, procRoot } = where
  const { dir, quick, signal } = context
  const launch = await launches.next()
  const argv = [...command, '--mode=refresh', ...siaArguments(launch.mountDir, launch.out)]
  const logFile = join(dir, 'refresher.log')
  const program = await startProgram({ name: 'refresher', argv, env: ENV, logFile, daemon: true, signal })
  try {
    placeProcess(procRoot, program.pid, launch.pod)
    const hasKey = () => existsSync(`${launch.out}/tls/service.key`) || undefined
    await until('the credentials of a refresher', hasKey, {}, signal)
    await pause(quick ? 1_000 : 5_000, signal)
    return memoryOf(program.pid)
  } finally {
    await program[Symbol.asyncDispose]()
    await launch.end()
  }
}

async function memoryOfBareNode({ dir, signal }: BenchContext): Promise<Memory> {
  const argv = [process.execPath, '-e', 'setInterval(() => {}, 60000)']
  const logFile = join(dir, 'bare.log')
  await using program = await startProgram({ name: 'bare', argv, env: ENV, logFile, daemon: true, signal })
  await pause(1_000, signal)
  return memoryOf(program.pid)
}
