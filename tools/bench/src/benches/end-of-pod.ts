/** How long a pod's identity outlives the pod: at the agent, and at ZTS. */
import { readFileSync } from 'node:fs'
import { type Figure, spread } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { type BenchCluster, openCluster, replaceAgent } from '../cluster.ts'
import { createLaunches, type Launch } from '../launches.ts'
import { removePod } from '../pods.ts'
import { pause, until } from '../wait.ts'

export const endOfPodBench: Bench = {
  name: 'end-of-pod',
  doc: 'pod gone and unmounted → volume wiped at the agent, instance deleted at ZTS',
  run: runEndOfPod,
}

async function runEndOfPod(context: BenchContext): Promise<readonly Figure[]> {
  const { dir, quick, signal } = context
  const count = quick ? 3 : 30
  await using it = await openCluster(context)
  await replaceAgent(it, await bundle('agent', dir))
  await it.replace('callback', await bundle('callback', dir))
  const launches = createLaunches({ it, driver: await bundle('driver', dir), context })
  const sia = await bundle('sia', dir)
  const wipedAt = new Map<unknown, number>()
  it.onLog((program, { msg, handle }) => {
    if (program === 'identity-agent' && msg === 'volume gone') wipedAt.set(handle, performance.now())
  })
  const live: Launch[] = []
  for (let i = 0; i < count; i++) {
    const launch = await launches.next()
    await launches.init(launch, sia)
    live.push(launch)
  }

  const wiped: number[] = []
  const deleted: Promise<number>[] = []
  for (const launch of live) {
    const handle = readFileSync(`${launch.mountDir}/id`, 'utf8')
    const gone = performance.now()
    await removePod(it, launch.pod)
    const forgotten = () => (isDeleted(it, launch) ? performance.now() - gone : undefined)
    const deletion = until('the deletion of an instance', forgotten, { deadlineMs: 90_000 }, signal)
    deletion.catch(() => undefined)
    deleted.push(deletion)
    await launch.unmount()
    wiped.push((await until('the end of a volume', () => wipedAt.get(handle), {}, signal)) - gone)
    await pause(100, signal)
  }
  return [
    spread('end-of-pod: pod gone → volume wiped at the agent', wiped, {
      unit: 'ms',
      line: 'wiped',
      notes: ['with the driver’s unmount in between, as a kubelet calls it'],
    }),
    spread('end-of-pod: pod gone → instance deleted at ZTS', await Promise.all(deleted), {
      unit: 'ms',
      line: 'deleted',
    }),
  ]
}

const isDeleted = ({ cluster }: BenchCluster, { pod }: Launch): boolean =>
  cluster.zts
    .calls()
    .some((it) => it.operation === 'delete' && it.instanceId === pod.uid && it.status === DELETED)

const DELETED = 204
