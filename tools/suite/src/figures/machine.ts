/** What a figure was measured on: without it no figure says anything. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface MachineFacts {
  /** RFC 3339. */
  readonly at: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** Files that differ from the commit. */
  readonly dirty: boolean
  readonly loadBefore: readonly number[]
  readonly isolation: string
}

export function machineFacts(root: string, isolation: string): MachineFacts {
  return {
    at: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    commit: git(root, 'rev-parse', '--short', 'HEAD'),
    dirty: git(root, 'status', '--porcelain', '--untracked-files=no') !== '',
    loadBefore: loadavg(),
    isolation,
  }
}

/** Share of all cores that anybody used since the machine was started: two of them tell of the time between. */
export function busyTicks(stat = readFileSync('/proc/stat', 'utf8')): { readonly busy: number; readonly all: number } {
  const ticks = (stat.split('\n')[0] ?? '').split(/\s+/).slice(1, 9).map(Number)
  const all = ticks.reduce((sum, it) => sum + it, 0)
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all }
}

function git(root: string, ...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
