/** What each program holds in its container, at rest and with pods. */
import { systemClock } from '@pallas/runtime'
import type { PodObject, ProgramName } from '@pallas/suite'
import { type Figure, medianOf, value } from '@pallas/suite/figures'
import { ADMIN_NAMESPACE } from '../world/names.ts'
import { podsOf } from '../world/replicas.ts'
import type { Bench } from './bench.ts'
import { type ContainerMemory, memoryOfPrograms } from './container-memory.ts'
import { end, launch, roomOf } from './launches.ts'

const SERVERS: readonly ProgramName[] = ['identity-agent', 'jwt-service', 'callback', 'initializer']
const SETTLE_MS = 15_000
/** A node takes them a few at a time anyway. */
const AT_ONCE = 10

export const clusterMemoryBench: Bench = {
  name: 'cluster-memory',
  doc: 'memory of each program in its container, at rest and with pods',
  async run(context) {
    const { signal } = context
    await systemClock.sleep(SETTLE_MS, signal)
    const atRest = await memoryOfServers()
    const { room } = await roomOf(context)
    const count = Math.min(context.pods, room)
    const pods: PodObject[] = []
    for (let made = 0; made < count; made += AT_ONCE) {
      signal.throwIfAborted()
      const names = Array.from({ length: Math.min(AT_ONCE, count - made) }, (_, i) => `memory-${made + i}`)
      const launches = await Promise.all(names.map((name) => launch(context, 'with identity', name)))
      pods.push(...launches.map(({ pod }) => pod))
    }
    await systemClock.sleep(SETTLE_MS, signal)
    const withPods = [...(await memoryOfServers()), ...pods.flatMap(memoryOfPrograms)]
    await Promise.all(pods.map((pod) => end(context, pod)))
    return [...figuresOf('no pods', atRest), ...figuresOf(`${count} pods`, withPods)]
  },
}

async function memoryOfServers(): Promise<ContainerMemory[]> {
  const replicas = (await Promise.all(SERVERS.map(podsOf))).flat()
  return replicas.flatMap(({ name, uid }) => memoryOfPrograms({ metadata: { namespace: ADMIN_NAMESPACE, name, uid } }))
}

const told = (number: number): string => number.toFixed(1)

function figuresOf(when: string, all: readonly ContainerMemory[]): Figure[] {
  return [...Map.groupBy(all, ({ program }) => program)].map(([program, found]) => {
    const of = (part: keyof Omit<ContainerMemory, 'program'>): number => medianOf(found.map((it) => it[part]))
    const parts = `of no file ${told(of('anonymous'))}, of files ${told(of('file'))}, working set of the container ${told(of('workingSet'))} MiB`
    return value(`cluster-memory: ${program}, ${when}`, of('resident'), { unit: 'MiB', n: found.length, notes: [parts] })
  })
}
