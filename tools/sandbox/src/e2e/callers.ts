/** Callers by hand: this process in a cgroup of our choosing. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PodObject } from '@pallas/suite'
import type { Cluster } from '../cluster.ts'

export const cgroupOf = ({ metadata }: PodObject): string => `/kubepods/besteffort/pod${metadata.uid}/${'e'.repeat(64)}`

/** This very process counts as a member of that cgroup, until disposed: what a node's kernel would say of it. */
export function placeHere({ state }: Pick<Cluster, 'state'>, cgroup: string): Disposable {
  const entry = join(state.procRoot, String(process.pid))
  mkdirSync(entry, { recursive: true })
  writeFileSync(join(entry, 'cgroup'), `0::${cgroup}\n`)
  return { [Symbol.dispose]: () => rmSync(entry, { recursive: true, force: true }) }
}

/** Host path of the socket that belongs to a volume. */
export const socketOf = ({ state }: Pick<Cluster, 'state'>, handle: string): string =>
  join(state.volumes, handle, 'mount/connect/agent.sock')
