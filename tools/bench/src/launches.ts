/** Launches: a pod that is new to everybody, its volume, and `athenz-sia` in it, the way a kubelet would do it. */
import { join } from 'node:path'
import type { Pod } from '@pallas/identity'
import type { BenchContext } from './bench.ts'
import { mustRun } from './children.ts'
import type { BenchCluster } from './cluster.ts'
import {
  addPod,
  callDriver,
  type DriverCall,
  makeOutput,
  mountCall,
  mountDirOf,
  placeProcess,
  removePod,
  siaArguments,
} from './pods.ts'
import { pause } from './wait.ts'

export interface LaunchOptions {
  readonly it: BenchCluster
  readonly driver: readonly string[]
  readonly context: Pick<BenchContext, 'dir' | 'signal'>
}

export interface Launch {
  readonly pod: Pod
  readonly mountDir: string
  /** Where its SIA writes. */
  readonly out: string
  /** Milliseconds of the driver's `mount`. */
  readonly mountMs: number
  unmount(): Promise<void>
  /** Unmounted, and gone from kubelet and API server. */
  end(): Promise<void>
}

const ALONE_MS = 600

export function createLaunches({ it, driver, context }: LaunchOptions) {
  const { state } = it.cluster
  const { dir, signal } = context
  let number = 0
  return {
    /** Until the last launch is history for the agent, whose word of the kubelet holds for half a second. */
    alone: () => pause(ALONE_MS, signal),
    /** A running pod with a mounted volume, and nothing running in it yet. */
    async next(command = driver): Promise<Launch> {
      const call: DriverCall = { command, settings: state.driverSettings, root: state.kubeletRoot }
      const pod = await addPod(it, ++number)
      const { env, mount, unmount } = mountCall(call, pod)
      const mountMs = await callDriver(mount, env, signal)
      const unmountIt = async () => void (await callDriver(unmount, env, signal))
      const end = async () => {
        await unmountIt()
        await removePod(it, pod)
      }
      const out = makeOutput(join(dir, 'out', pod.uid))
      return { pod, mountDir: mountDirOf(state.kubeletRoot, pod), out, mountMs, unmount: unmountIt, end }
    },
    /** Milliseconds of `athenz-sia --mode=init` as a process of the pod, to its end. */
    async init({ pod, mountDir, out }: Launch, sia: readonly string[], ...more: readonly string[]): Promise<number> {
      const argv = [...sia, '--mode=init', ...siaArguments(mountDir, out, ...more)]
      const { ms } = await mustRun(argv, { onStart: (pid) => placeProcess(state.procRoot, pid, pod) }, signal)
      return ms
    },
  }
}

export type Launches = ReturnType<typeof createLaunches>
