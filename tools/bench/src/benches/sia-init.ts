/**
 * What a pod waits for: its volume, then its first identity on disk; all real but ZTS. It takes 20 ms, as a real one does
 * whose provider answers at once, its question to the callback among them; in one row these come before that question.
 */
import { type Figure, interleave, ratioOf, spread, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { cpuTimeOf } from '../proc.ts'
import { type BenchCluster, openCluster, replaceAgent } from '../cluster.ts'
import { mustRun } from '../children.ts'
import { createLaunches } from '../launches.ts'
import { placeProcess, siaArguments } from '../pods.ts'
import { profileRun } from '../profile/cpu.ts'
import { fromSource } from '../programs.ts'
import { staticPrograms } from '../static-programs.ts'

const ZTS_MS = 20

export const siaInitBench: Bench = {
  name: 'sia-init',
  doc: 'mount → credentials on disk with a ZTS of 20 ms, its callback included or not: static and on Node, key made by the pod or by the agent',
  run: runSiaInit,
  profile: async (context) => {
    await using it = await open(context)
    const launch = await it.launches.next()
    const argv = [...it.sia, '--mode=init', ...siaArguments(launch.mountDir, launch.out)]
    const onStart = (pid: number) => placeProcess(it.cluster.cluster.state.procRoot, pid, launch.pod)
    const run = await profileRun({ title: 'athenz-sia --mode=init, bundled', argv, onStart }, context)
    await launch.end()
    return [...run, ...hops(it.cluster)]
  },
}

const ms = (of: number | undefined) => `${(of ?? Number.NaN).toFixed(1)} ms`

const lastRegister = ({ cluster }: BenchCluster) => cluster.zts.calls().findLast(({ operation }) => operation === 'register')

/** What of the wait was upstream of the agent. */
function hops(it: BenchCluster): readonly string[] {
  const call = lastRegister(it)
  const zts = `of it ${ms(call?.durationMs)} were the call of ZTS`
  return [`  ${zts}, ${ms(call?.callback?.durationMs)} of them the callback; it takes ${ZTS_MS} at least`]
}

async function runSiaInit(context: BenchContext): Promise<readonly Figure[]> {
  await using it = await open(context)
  const { launches, sia } = it
  const inits = new Map<string, number[]>()
  const callbacks: number[] = []
  const files = await staticPrograms(context.say)
  const launch = (name: string, command: readonly string[], { driver, more = [], zts = 'in all' }: Way = {}) => ({
    name,
    sample: async () => {
      it.takes(zts)
      await launches.alone()
      const pod = await launches.next(driver)
      const ms = await launches.init(pod, command, ...more)
      inits.set(name, [...(inits.get(name) ?? []), ms])
      callbacks.push(lastRegister(it.cluster)?.callback?.durationMs ?? Number.NaN)
      await pod.end()
      return pod.mountMs + ms
    },
  })
  const bare = { name: BARE, sample: async () => (await mustRun([process.execPath, '-e', '0'], {}, context.signal)).ms }
  const variants = [
    launch('pod key, bundled', sia),
    launch('agent key, bundled', sia, { more: ['--key-origin=agent'] }),
    launch('pod key, from source', fromSource('sia')),
    bare,
    ...(files === undefined
      ? []
      : [
          launch(STATIC, files.sia, { driver: files.driver }),
          launch(BEFORE, files.sia, { driver: files.driver, zts: 'before the callback' }),
        ]),
  ]
  const rounds = context.quick ? { rounds: 5, warmUp: 1 } : { rounds: 100, warmUp: 3 }
  const samples = await interleave(variants, rounds, context.signal)
  const of = (name: string): readonly number[] => samples.get(name) ?? []
  const [main = '', agentKey = '', source = ''] = variants.map(({ name }) => name)
  return [
    ...(files === undefined
      ? []
      : [
          spread(`sia-init: mount + init, ${STATIC}`, of(STATIC), { unit: 'ms', line: 'sia-init', notes: [HOME] }),
          spread(`sia-init: init alone, ${STATIC}`, inits.get(STATIC) ?? [], { unit: 'ms' }),
          spread(`sia-init: mount + init, ${BEFORE}`, of(BEFORE), { unit: 'ms', notes: [STRICTER] }),
        ]),
    spread(`sia-init: mount + init, ${main}`, of(main), { unit: 'ms' }),
    spread(`sia-init: init alone, ${main}`, inits.get(main) ?? [], { unit: 'ms' }),
    spread(`sia-init: mount + init, ${agentKey}`, of(agentKey), { unit: 'ms' }),
    spread(`sia-init: mount + init, ${source}`, of(source), { unit: 'ms' }),
    spread(`sia-init: ${BARE}`, of(BARE), { unit: 'ms' }),
    spread('sia-init: of ZTS the callback, all launches', callbacks, { unit: 'ms', notes: ['a new connection each time, as ZTS makes it'] }),
    value('sia-init: pod key ÷ agent key', ratioOf(of(main), of(agentKey)), { unit: '×' }),
    value('sia-init: init alone ÷ bare Node', ratioOf(inits.get(main) ?? [], of(BARE)), { unit: '×' }),
    value('sia-init: processor time of one init, bundled', await cpuOf(it, it.sia, context), { unit: 'CPU-ms', n: CPU_RUNS }),
    ...(files === undefined
      ? []
      : [value('sia-init: processor time of one init, static', await cpuOf(it, files.sia, context), { unit: 'CPU-ms', n: CPU_RUNS })]),
  ]
}

/** What differs from the usual launch. */
interface Way {
  readonly driver?: readonly string[]
  readonly more?: readonly string[]
  readonly zts?: Slowness
}

/** Where the 20 ms of ZTS are spent: what it does itself and the callback among them, or before it does anything. */
type Slowness = 'in all' | 'before the callback'

const BARE = 'node -e 0'
const STATIC = 'pod key, static'
const BEFORE = 'pod key, static, ZTS 20 ms before the callback'
const STRICTER = 'ZTS waits 20 ms, and then does its own work and asks the callback'
const HOME = 'driver and SIA as static files; agent, JWT service and callback on Node'
const CPU_RUNS = 10

/** Of the pod's process alone. The kernel tells hundredths of a second: only the mean of several says something. */
async function cpuOf({ launches }: Opened, sia: readonly string[], { signal }: BenchContext): Promise<number> {
  let spent = 0
  for (let i = 0; i < CPU_RUNS; i++) {
    signal.throwIfAborted()
    const pod = await launches.next()
    const before = cpuTimeOf('self').children
    await launches.init(pod, sia)
    spent += cpuTimeOf('self').children - before
    await pod.end()
  }
  return spent / CPU_RUNS
}

type Opened = Awaited<ReturnType<typeof open>>

async function open(context: BenchContext) {
  await using scope = new AsyncDisposableStack()
  const cluster = scope.use(await openCluster(context))
  await replaceAgent(cluster, await bundle('agent', context.dir))
  const { faults } = cluster.cluster.zts
  const takes = (where: Slowness): void => {
    faults.reset()
    if (where === 'in all') faults.atLeast(ZTS_MS)
    else faults.slow(ZTS_MS)
  }
  takes('in all')
  const launches = createLaunches({ it: cluster, driver: await bundle('driver', context.dir), context })
  const sia = await bundle('sia', context.dir)
  const parts = scope.move()
  return { cluster, launches, sia, takes, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
