/** The directories that hold one set each: how they are called, and which of them a reader may still be at. */
import { stampOf } from './stamp.ts'

const GENERATION = /^\.\.\d{8}T\d{6}\.\d{3}Z\.[0-9A-F]{1,16}(\.\d+)?$/
const STAMP_END = '..20300101T000000.000Z'.length

/** How long a reader may take from resolving `..data` to its last file. */
const GRACE_MS = 60_000
/** With the current one: many publications within a minute fill no disk. */
const MOST_KEPT = 10

export const isGeneration = (name: string): boolean => GENERATION.test(name)

/** One that is not taken yet, behind all others of its moment and serial. `serial` is hex. */
export function generationName(now: number, serial: string, taken: Iterable<string>): string {
  const wanted = `..${stampOf(now)}.${serial.toUpperCase().slice(0, 16)}`
  const numbers = [...taken].flatMap((name) => {
    if (name === wanted) return 1
    return name.startsWith(`${wanted}.`) ? Number(name.slice(wanted.length + 1)) || 0 : []
  })
  return numbers.length === 0 ? wanted : `${wanted}.${Math.max(...numbers) + 1}`
}

/** The one that is current until now, and those before it that another took the place of within the last minute. */
export function generationsToKeep(generations: readonly string[], current: string | undefined, now: number): string[] {
  // Stamps sort by time. A clock that was put back by less than the grace takes nothing from a reader either.
  const [from, to] = [`..${stampOf(Math.max(0, now - GRACE_MS))}`, `..${stampOf(now + GRACE_MS)}`]
  const isRecent = (name: string | undefined) => name !== undefined && name > from && name < to
  const before = generations.filter((name) => name !== current).sort(byAge)
  const late = before.filter((_name, n) => isRecent(before[n + 1] ?? current))
  return [...late.slice(1 - MOST_KEPT), ...(current === undefined ? [] : [current])]
}

/** Of one moment the shorter name is the older: they are numbered. */
function byAge(one: string, other: string): number {
  const [a, b] = [one.slice(0, STAMP_END), other.slice(0, STAMP_END)]
  if (a === b) return one.length - other.length
  return a < b ? -1 : 1
}
