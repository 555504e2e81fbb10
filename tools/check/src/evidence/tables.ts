/** Three lists, each with the tests that show it, as tables; and what is wrong with them. */
import { ATTACKS } from './attacks.ts'
import { CONTRACT } from './compatibility.ts'
import type { Evidence, Tag } from './tags.ts'
import { WEAKNESSES } from './weaknesses.ts'

export type Found = ReadonlyMap<Tag, readonly Evidence[]>

export const weaknessTable = (found: Found): string =>
  table(
    ['', 'in the original', 'here', 'shown by'],
    entries(WEAKNESSES).map(([tag, { was, now, cannotApply }]) => [tag, was, now, cannotApply ?? shownBy(tag, found)]),
  )

export const attackTable = (found: Found): string =>
  table(
    ['', 'what is done', 'shown by'],
    entries(ATTACKS).map(([tag, { what, later }]) => [tag, what, [shownBy(tag, found), later].filter(Boolean).join('; ')]),
  )

/** `decisions`: number → file in `docs/adr`. Throws `TypeError` for a deviation that nobody decided. */
export const contractTable = (found: Found, decisions: ReadonlyMap<number, string>): string =>
  table(
    ['', 'what stays', 'decisions that deviate', 'shown by'],
    entries(CONTRACT).map(([tag, { keeps, deviations }]) => [tag, keeps, deviations.map((number) => linkTo(number, decisions)).join(', '), shownBy(tag, found)]),
  )

/** One sentence for each line that nothing shows, and for each title that names a line there is not. */
export function gaps(found: Found): string[] {
  const excused = new Set<string>([
    ...entries(WEAKNESSES).filter(([, it]) => it.cannotApply !== undefined).map(([tag]) => tag),
    ...entries(ATTACKS).filter(([, it]) => it.later !== undefined).map(([tag]) => tag),
  ])
  const wanted = [...entries(WEAKNESSES), ...entries(CONTRACT), ...entries(ATTACKS)].map(([tag]) => tag)
  return [
    ...wanted.filter((tag) => !found.has(tag) && !excused.has(tag)).map((tag) => `no title of a test ends in (${tag})`),
    ...[...found].filter(([tag]) => !wanted.includes(tag)).map(([tag, [first]]) => `${first?.file ?? ''} names ${tag}, which is on no list`),
  ]
}

const entries = <T>(list: Readonly<Record<string, T>>): [Tag, T][] => Object.entries(list) as [Tag, T][]

const shownBy = (tag: Tag, found: Found): string =>
  (found.get(tag) ?? []).map(({ file, titles }) => `[${nameOf(file)}](../${file})${titles === 1 ? '' : ` ×${titles}`}`).join(', ')

/** `packages/callback/src/confirm.test.ts` → `callback/confirm`. */
const nameOf = (file: string): string => file.replace(/^[^/]+\//, '').replace('/src/', '/').replace(/(\.test)?\.ts$/, '')

function linkTo(number: number, decisions: ReadonlyMap<number, string>): string {
  const file = decisions.get(number)
  if (file === undefined) throw new TypeError(`there is no decision ${number}`)
  return `[${number}](adr/${file})`
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n') + '\n'
