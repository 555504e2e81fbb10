/** The files of end-to-end tests that run on the static home: all but those whose first comment says `Node's home alone:` and why. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface EndToEnd {
  /** Below the root, in the order of their names. */
  readonly files: readonly string[]
  readonly left: readonly { readonly name: string; readonly why: string }[]
}

const PLACE = 'tools/sandbox/src/e2e'
const ALONE = /^(?:\/\*\*| \*) Node's home alone: (.*\S)$/m

export function endToEndTests(root: string): EndToEnd {
  const found = globSync(`${PLACE}/*.test.ts`, { cwd: root })
    .sort()
    .map((file) => ({ file, why: whyNot(readFileSync(join(root, file), 'utf8')) }))
  return {
    files: found.filter(({ why }) => why === undefined).map(({ file }) => file),
    left: found.flatMap(({ file, why }) => (why === undefined ? [] : [{ name: basename(file, '.test.ts'), why }])),
  }
}

const whyNot = (source: string): string | undefined => ALONE.exec(source.split('*/', 1)[0] ?? '')?.[1]?.replace(/ \*\/$/, '')
