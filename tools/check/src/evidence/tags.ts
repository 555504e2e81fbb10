/**
 * Which tests show what: titles end in tags of the lists that the documents map, such as `(W9, T35)`.
 *
 * `W` are the weaknesses of the original, `C` the lines of its contract, `T` the attacks and faults to survive.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Tag = `${'W' | 'C' | 'T'}${number}`

export interface Evidence {
  /** Below the root of the repository. */
  readonly file: string
  readonly titles: number
}

/** Files with titles of tests: the tests themselves, and the suites and tables that they share. */
const TESTS = [
  '{libs,packages,tools}/*/src/**/*.test.ts',
  '{libs,packages,tools}/*/src/**/testing/**/*.ts',
  'tools/suite/src/contract/*.ts',
  'tools/cluster-suite/src/**/*.cluster.ts',
]
/** Its own tests are about tags. */
const NOT_THIS = ['tools/check/**']

/** The end of a title: the tags in brackets, then the quote. */
const END_OF_TITLE = /\(((?:[WCT]\d{1,2})(?:, [WCT]\d{1,2})*)\)['"`]/g

/** The tags of every title in a source. */
export const tagsIn = (source: string): Tag[] =>
  [...source.matchAll(END_OF_TITLE)].flatMap(([, tags = '']) => tags.split(', ').map((tag) => normal(tag)))

/** `T1` and `T01` are one. */
const normal = (tag: string): Tag => `${tag.slice(0, 1)}${Number(tag.slice(1))}` as Tag

/** Tag → the files that show it, in order of their names. */
export function evidenceOf(root: string): ReadonlyMap<Tag, readonly Evidence[]> {
  const found = new Map<Tag, Evidence[]>()
  for (const file of globSync(TESTS, { cwd: root, exclude: NOT_THIS }).sort()) {
    const tags = tagsIn(readFileSync(join(root, file), 'utf8'))
    for (const [tag, titles] of Map.groupBy(tags, (tag) => tag)) {
      found.set(tag, [...(found.get(tag) ?? []), { file, titles: titles.length }])
    }
  }
  return found
}
