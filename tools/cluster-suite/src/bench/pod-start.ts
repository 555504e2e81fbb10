/** What an identity adds to the start of a pod, and what of it the kubelet spends in the driver. */
import { type Figure, interleave, spread, type Variant } from '@pallas/suite/figures'
import type { Bench, BenchContext } from './bench.ts'
import { driverTallies, oneBetween } from './kubelet-metrics.ts'
import { end, gapNotes, type Kind, launch, roomOf } from './launches.ts'

const ms = (what: string, values: readonly number[], ...notes: string[]): Figure => spread(`pod-start: ${what}`, values, { unit: 'ms', notes })

const CLOCK = "from before the pod's creation is sent to the watch event that shows it ready, on the bench's clock"

export const podStartBench: Bench = {
  name: 'pod-start',
  doc: 'pods one at a time, with and without an identity in turn: created → ready; and the driver as the kubelet counts it',
  async run(context) {
    const rounds = context.quick ? 5 : 50
    const { variants, answered, mounts, unmounts } = await variantsOf(context)
    const samples = await interleave(variants, { rounds, warmUp: 1 }, context.signal)
    const of = (kind: Kind): readonly number[] => samples.get(kind) ?? []
    const added = (than: Kind): readonly number[] => of('with identity').map((ms, i) => ms - (of(than)[i] ?? Number.NaN))
    const gaps = gapNotes(context)
    return [
      ms('without identity', of('without identity'), CLOCK, ...gaps),
      ms('with identity', of('with identity'), ...gaps),
      ms('with an init container and a sidecar that do nothing', of('idle containers instead')),
      spread('pod-start: what an identity adds, round by round', added('without identity'), {
        unit: 'ms',
        line: 'pod-start-added',
        notes: ['the same application twice in a round; two more containers, a volume, the webhook and the issue'],
      }),
      ms('what it adds to containers that do nothing', added('idle containers instead'), 'without the start of two containers, which any sidecar costs'),
      ms("the API server's answer, without identity", answered('without identity')),
      ms("the API server's answer, with identity", answered('with identity'), 'the webhook included'),
      ...driverFigures(mounts, unmounts),
    ]
  },
}

function driverFigures(mounts: readonly number[], unmounts: readonly number[]): Figure[] {
  const notes = ['storage_operation_duration_seconds of the kubelet, which is the driver’s process and what the kubelet does around it']
  const all = [['mount', mounts], ['unmount', unmounts]] as const
  return all.filter(([, values]) => values.length > 0).map(([what, values]) => spread(`driver: ${what}, as the kubelet counts it`, values, { unit: 'ms', notes }))
}

const KINDS: readonly Kind[] = ['without identity', 'with identity', 'idle containers instead']

async function variantsOf(context: BenchContext) {
  const { nodeName } = await roomOf(context)
  const answers = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]))
  const mounts: number[] = []
  const unmounts: number[] = []
  let number = 0
  const sampleOf = (kind: Kind) => async (): Promise<number> => {
    const before = await driverTallies(nodeName)
    const { pod, answeredMs, readyMs } = await launch(context, kind, `start-${++number}`)
    const during = await driverTallies(nodeName)
    await end(context, pod)
    const after = await driverTallies(nodeName)
    mounts.push(...present(oneBetween(before.volume_mount, during.volume_mount)))
    unmounts.push(...present(oneBetween(during.volume_unmount, after.volume_unmount)))
    answers.get(kind)?.push(answeredMs)
    if (number % (KINDS.length * 10) === 0) context.say(`${number} pods`)
    return readyMs
  }
  const variants: readonly Variant[] = KINDS.map((name) => ({ name, sample: sampleOf(name) }))
  return { variants, answered: (kind: Kind) => answers.get(kind) ?? [], mounts, unmounts }
}

const present = (sample: number | undefined): readonly number[] => (sample === undefined ? [] : [sample])
