/** The processes of a pod, by the cgroups that the sandbox's kubelet keeps. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../cluster.ts'
import type { PodObject } from '../kubelet/objects.ts'

/** The one whose command line has this word. */
export function processOf({ state }: Pick<Cluster, 'state'>, { metadata }: PodObject, word: string): number {
  const mine = readdirSync(state.procRoot).filter((pid) => read(join(state.procRoot, pid, 'cgroup')).includes(`pod${metadata.uid}`))
  const found = mine.find((pid) => read(`/proc/${pid}/cmdline`).split('\0').includes(word))
  if (found === undefined) throw new Error(`no process of ${metadata.namespace}/${metadata.name} was started with ${word}`)
  return Number(found)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
