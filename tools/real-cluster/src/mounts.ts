/** The mount table, and what we add to it: a directory of ours over one of the machine's. */
import { readFileSync } from 'node:fs'
import { run } from './run.ts'

export interface Mount {
  readonly path: string
  readonly type: string
}

export const readMounts = (): Mount[] => parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))

/** proc(5): the path is field 5, with octal escapes; the type is the first after the dash. */
export const parseMountInfo = (text: string): Mount[] =>
  text.split('\n').filter((line) => line !== '').map((line) => {
    const [left = '', right = ''] = line.split(' - ')
    return { path: unescape(left.split(' ')[4] ?? ''), type: right.split(' ')[0] ?? '' }
  })

const unescape = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** The directory's own mounts and those below it, the last made first. */
export const mountsAt = (directory: string, mounts = readMounts()): string[] =>
  mounts.map(({ path }) => path).filter((path) => path === directory || path.startsWith(`${directory}/`)).toReversed()

/** Shared, so that what is mounted in a container with bidirectional propagation is seen outside, but not with its source. */
export async function cover(target: string, source: string): Promise<void> {
  await run(['mount', '--bind', source, target])
  await run(['mount', '--make-private', target])
  await run(['mount', '--make-rshared', target])
}

const TURNS = 20
const POLITE_TURNS = 10

/** Unmounts all that is mounted at or below the directories; what stays is left to the caller to find. */
export async function unmountAll(directories: readonly string[]): Promise<string[]> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const left = directories.flatMap((directory) => mountsAt(directory))
    if (left.length === 0) return []
    for (const path of left) await run(['umount', ...(turn < POLITE_TURNS ? [] : ['--lazy']), path]).catch(() => undefined)
  }
  return directories.flatMap((directory) => mountsAt(directory))
}
