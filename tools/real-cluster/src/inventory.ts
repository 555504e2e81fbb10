/** All of a machine that a cluster could leave something in, to be compared before and after. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { directoriesIn, hierarchies, podProcesses } from './cgroups.ts'
import { markedProcesses } from './launch.ts'
import { API_ADDRESS, COVERED, stateDirectoryOf } from './layout.ts'
import { readMounts } from './mounts.ts'
import { argvOf } from './proc.ts'
import { run } from './run.ts'

/** Kind → one line for each thing there is. */
export type Inventory = Readonly<Record<string, readonly string[]>>

/** Directories that hold other things as well: only what lies in them directly. */
const SHALLOW = ['/', '/etc', '/opt', '/run', '/usr/libexec', '/var', '/var/lib', '/var/log', '/var/run']

/** What kubectl knows of our API server, where it keeps that unless told otherwise. */
const KUBECTL_LEAVINGS = join(homedir(), '.kube/cache/discovery', `${API_ADDRESS}_443`)

export async function takeInventory(env: NodeJS.ProcessEnv = process.env): Promise<Inventory> {
  const pids = [...markedProcesses(stateDirectoryOf(env)), ...podProcesses()]
  return {
    mounts: readMounts().map(({ path, type }) => `${path} ${type}`),
    links: await linesOf(['ip', '-o', 'link', 'show']).then((lines) => lines.map((line) => line.split(':')[1] ?? '')),
    addresses: await linesOf(['ip', '-o', 'address', 'show']).then((lines) => lines.map((line) => line.split(' ').slice(1, 7).join(' '))),
    routes: await linesOf(['ip', 'route', 'show', 'table', 'all']),
    namespaces: await linesOf(['ip', 'netns', 'list']),
    cgroups: hierarchies().flatMap((path) => directoriesIn(path)),
    settings: settings(),
    files: [...SHALLOW.flatMap(namesIn), ...COVERED.flatMap(treeOf), ...treeOf(KUBECTL_LEAVINGS)],
    processes: pids.map((pid) => `${pid} ${argvOf(pid).slice(0, 2).join(' ')}`),
  }
}

/** `+` for what has come, `-` for what has gone. */
export function differencesOf(before: Inventory, after: Inventory): string[] {
  return Object.keys(before).flatMap((kind) => {
    const [old, present] = [before[kind] ?? [], after[kind] ?? []]
    return [...minus(present, old).map((line) => `+ ${kind}: ${line}`), ...minus(old, present).map((line) => `- ${kind}: ${line}`)]
  })
}

/** What is in the first more often than in the second: two mounts on one path are two. */
function minus(some: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return some.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
}

const linesOf = async (argv: readonly [string, ...string[]]): Promise<string[]> =>
  (await run(argv)).split('\n').map((line) => line.trim()).filter((line) => line !== '')

const namesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [])

const treeOf = (directory: string): string[] =>
  existsSync(directory) ? [directory, ...readdirSync(directory, { recursive: true }).map((path) => join(directory, String(path)))] : []

const SYSCTLS = '/proc/sys'
/** These change by themselves. */
const RESTLESS = ['kernel/ns_last_pid', 'kernel/random/', 'fs/binfmt_misc']

/** Every kernel setting that can be written, with its value. */
const settings = (): string[] =>
  readdirSync(SYSCTLS, { recursive: true })
    .map(String)
    .filter((name) => !RESTLESS.some((it) => name.startsWith(it)))
    .flatMap((name) => settingOf(join(SYSCTLS, name)))

function settingOf(path: string): string[] {
  try {
    const stats = statSync(path)
    return stats.isFile() && (stats.mode & 0o600) === 0o600 ? [`${path} = ${readFileSync(path, 'utf8').trim()}`] : []
  } catch {
    // Some can only be written, and some belong to a device that has just gone.
    return []
  }
}
