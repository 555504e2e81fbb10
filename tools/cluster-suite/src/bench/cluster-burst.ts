/** As many pods at once as the node takes, with an identity and without. */
import { pathOf, PODS } from '@pallas/kubernetes'
import { type Figure, rotated, spread, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from './bench.ts'
import { end, gapNotes, type Kind, type Launch, launch, roomOf } from './launches.ts'

const KINDS: readonly Kind[] = ['without identity', 'with identity']

interface Burst {
  readonly launches: Launch[]
  readonly failures: unknown[]
}

export const clusterBurstBench: Bench = {
  name: 'cluster-burst',
  doc: 'many pods created at once, with and without an identity in turn: created → ready',
  async run(context) {
    const { room } = await roomOf(context)
    const count = Math.min(context.pods, room)
    const bursts = new Map<Kind, Burst>(KINDS.map((kind) => [kind, { launches: [], failures: [] }]))
    for (let round = 0; round < (context.quick ? 1 : 3); round++) {
      for (const kind of rotated(KINDS, round)) {
        context.signal.throwIfAborted()
        const { launches, failures } = await burst(context, kind, count, `burst-${round}`)
        bursts.get(kind)?.launches.push(...launches)
        bursts.get(kind)?.failures.push(...failures)
        context.say(`${count} ${kind}: ${failures.length} failed`)
      }
    }
    return [...bursts].flatMap(([kind, of]) => figuresOf(kind, count, of, gapNotes(context)))
  },
}

async function burst(context: BenchContext, kind: Kind, count: number, prefix: string): Promise<Burst> {
  const names = Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
  const settled = await Promise.allSettled(names.map((name) => launch(context, kind, name)))
  const launches = settled.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
  const failures = settled.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []))
  await Promise.all(launches.map(({ pod }) => end(context, pod)))
  const late = names.filter((_, i) => settled[i]?.status === 'rejected')
  await Promise.all(late.map((name) => context.world.api.delete(pathOf(PODS, { namespace: 'shop', name })).catch(() => undefined)))
  return { launches, failures }
}

function figuresOf(kind: Kind, count: number, { launches, failures }: Burst, gaps: readonly string[]): Figure[] {
  const name = `cluster-burst: ${count} at once ${kind}`
  const times = launches.map(({ readyMs }) => readyMs)
  const why = failures.slice(0, 3).map((it) => (it instanceof Error ? it.message : String(it)))
  const failed = value(`${name}, failed`, failures.length, { unit: 'pods', n: launches.length + failures.length, line: 'cluster-burst-failed', notes: why })
  return [...(times.length === 0 ? [] : [spread(`${name}, created → ready`, times, { unit: 'ms', notes: gaps })]), failed]
}
