/** How long the kubelet's own volume operations took: it counts and adds up, so between two looks one operation is a sample. */
import { kubectl } from '../kubectl.ts'

export type Operation = 'volume_mount' | 'volume_unmount'

export interface Tally {
  readonly count: number
  readonly ms: number
}

export type Tallies = Readonly<Record<Operation, Tally>>

export const DRIVER = 'athenz.kubernetes.io/athenz-volume-driver'
const FAMILY = 'storage_operation_duration_seconds'

/** Of the operations that succeeded; none of them yet is nought. */
export function talliesIn(text: string, plugin: string): Tallies {
  const lines = text.split('\n').filter((line) => line.includes(`volume_plugin="${plugin}"`) && line.includes('status="success"'))
  const sumOf = (what: 'sum' | 'count', operation: Operation): number =>
    lines
      .filter((line) => line.startsWith(`${FAMILY}_${what}{`) && line.includes(`operation_name="${operation}"`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  const tally = (operation: Operation): Tally => ({ count: sumOf('count', operation), ms: sumOf('sum', operation) * 1_000 })
  return { volume_mount: tally('volume_mount'), volume_unmount: tally('volume_unmount') }
}

/** The one operation between two looks; undefined when it was none or several, for a sum of several is no sample. */
export const oneBetween = (before: Tally, after: Tally): number | undefined =>
  after.count - before.count === 1 ? after.ms - before.ms : undefined

export const driverTallies = async (nodeName: string): Promise<Tallies> =>
  talliesIn(await kubectl(['get', '--raw', `/api/v1/nodes/${nodeName}/proxy/metrics`]), DRIVER)
