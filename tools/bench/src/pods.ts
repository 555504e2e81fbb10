/** Pods to measure with: at the API server and the kubelet, with a volume by the real driver, and processes in them. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Pod } from '@pallas/identity'
import { pathOf, podOf, PODS } from '@pallas/kubernetes'
import { newPodObject } from '@pallas/kubernetes/testing'
import { NODE } from '@pallas/sandbox'
import { ENV, mustRun } from './children.ts'
import type { BenchCluster } from './cluster.ts'

const NAMESPACE = 'shop'

/** A running pod with an address, of service account `web`. */
export async function addPod(it: BenchCluster, number: number): Promise<Pod> {
  const { admin } = it.cluster
  const name = { namespace: NAMESPACE, name: `bench-${number}` }
  const spec = { serviceAccountName: 'web', nodeName: NODE }
  await admin.create(pathOf(PODS, { namespace: NAMESPACE }), newPodObject(name, spec))
  const status = { phase: 'Running', podIP: `127.9.${number >> 8}.${number & 255}` }
  await admin.patch(pathOf(PODS, { ...name, subresource: 'status' }), { kind: 'merge', patch: { status } })
  const pod = podOf(await admin.get(pathOf(PODS, name)))
  it.pods.push(pod)
  it.showPods()
  return pod
}

export async function removePod(it: BenchCluster, { namespace, name, uid }: Pod): Promise<void> {
  it.pods = it.pods.filter((pod) => pod.uid !== uid)
  it.showPods()
  await it.cluster.admin.delete(pathOf(PODS, { namespace, name }), { gracePeriodSeconds: 0 })
}

/** As short as the driver takes it: sockets lie below. */
export const mountDirOf = (root: string, { uid }: Pick<Pod, 'uid'>): string =>
  join(root, 'pods', uid, 'volumes', 'a~d', 'i')

export interface DriverCall {
  readonly command: readonly string[]
  readonly settings: string
  readonly root: string
}

export type MountedPod = Pick<Pod, 'namespace' | 'name' | 'uid' | 'serviceAccount'>

/** argv and environment of the driver as a kubelet calls it; the directory above the volume exists from here on. */
export function mountCall({ command, settings, root }: DriverCall, pod: MountedPod) {
  const dir = mountDirOf(root, pod)
  mkdirSync(dirname(dir), { recursive: true })
  const options = {
    'kubernetes.io/fsType': '',
    'kubernetes.io/pod.name': pod.name,
    'kubernetes.io/pod.namespace': pod.namespace,
    'kubernetes.io/pod.uid': pod.uid,
    'kubernetes.io/pvOrVolumeName': 'i',
    'kubernetes.io/readwrite': 'ro',
    'kubernetes.io/serviceAccount.name': pod.serviceAccount,
  }
  const env = { ...ENV, ATHENZ_VOLUME_DRIVER_SETTINGS: settings }
  return { dir, env, mount: [...command, 'mount', dir, JSON.stringify(options)], unmount: [...command, 'unmount', dir] }
}

const SUCCESS = '"status":"Success"'

/** Milliseconds of one call; throws with what the driver said when it did not do it. */
export async function callDriver(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const { ms, output } = await mustRun(argv, { env }, signal)
  if (!output.includes(SUCCESS)) throw new Error(`the driver said ${output}`)
  return ms
}

/** From now on the kernel, as the sandbox plays it, says that the process is in the pod. */
export function placeProcess(procRoot: string, pid: number, { uid }: Pick<Pod, 'uid'>): void {
  const entry = join(procRoot, String(pid))
  rmSync(entry, { recursive: true, force: true })
  mkdirSync(entry, { recursive: true })
  writeFileSync(join(entry, 'cgroup'), `0::/kubepods/besteffort/pod${uid}/${CONTAINER}\n`)
  symlinkSync(`/proc/${pid}/stat`, join(entry, 'stat'))
}

const CONTAINER = 'dee649c4eb31f5e7b0c6355eb6aa4f1214f455eb7ec72b005647d5595476d148'

/** What the init container of a pod runs; its files go below `out`. */
export const siaArguments = (mountDir: string, out: string, ...more: readonly string[]): readonly string[] => [
  `--id-file=${mountDir}/id`,
  `--endpoint=unix://${mountDir}/connect/agent.sock`,
  `--out-key=${out}/tls/service.key`,
  `--out-cert=${out}/tls/service.cert`,
  `--out-ca-cert=${out}/tls/cacert.pem`,
  `--out-ntoken=${out}/tokens/ntoken`,
  ...more,
]

export function makeOutput(out: string): string {
  for (const name of ['tls', 'tokens']) mkdirSync(join(out, name), { recursive: true })
  return out
}
