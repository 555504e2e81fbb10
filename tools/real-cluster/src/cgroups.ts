/** What the kubelet makes below the machine's cgroup hierarchies, of version 1 and 2. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMounts } from './mounts.ts'
import { startTimeOf } from './proc.ts'

export const hierarchies = (): string[] =>
  readMounts().filter(({ type }) => type === 'cgroup' || type === 'cgroup2').map(({ path }) => path)

/** The kubelet's directory in each hierarchy that has one. */
export const podCgroups = (): string[] => hierarchies().map((path) => join(path, 'kubepods')).filter((path) => existsSync(path))

/** Who runs in a pod, whichever kubelet started it. */
export function podProcesses(): number[] {
  const pids = podCgroups().flatMap((root) => directoriesIn(root)).flatMap((directory) => processesIn(directory))
  return [...new Set(pids)].filter((pid) => startTimeOf(pid) !== undefined)
}

export const podCgroupTree = (): string[] => podCgroups().flatMap((root) => directoriesIn(root))

/** Removes all but those to be kept, leaves first; gives those that were busy. */
export function removePodCgroups(kept: readonly string[]): string[] {
  const foreign = (): string[] => podCgroupTree().filter((directory) => !kept.includes(directory))
  for (const directory of foreign().toReversed()) {
    try {
      rmdirSync(directory)
    } catch {
      // Somebody dies in it still: the caller looks again.
    }
  }
  return foreign()
}

/** A directory and all below it, parents first. */
export function directoriesIn(directory: string): string[] {
  try {
    const inner = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [directory, ...inner.flatMap((entry) => directoriesIn(join(directory, entry.name)))]
  } catch {
    return []
  }
}

function processesIn(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').map(Number).filter((pid) => pid > 0)
  } catch {
    return []
  }
}

/** Version 2: the controllers that the root hands down, which a kubelet adds to. Path of the file → its words. */
export const readControllers = (): Record<string, string> =>
  Object.fromEntries(
    readMounts()
      .filter(({ type }) => type === 'cgroup2')
      .map(({ path }) => join(path, 'cgroup.subtree_control'))
      .map((file) => [file, readFileSync(file, 'utf8').trim()]),
  )

export function restoreControllers(before: Readonly<Record<string, string>>): void {
  for (const [file, words] of Object.entries(before)) {
    const added = readFileSync(file, 'utf8').trim().split(' ').filter((word) => word !== '' && !words.split(' ').includes(word))
    if (added.length > 0) writeFileSync(file, added.map((word) => `-${word}`).join(' '))
  }
}
