/** Command lines as Go's `flag` package reads them: `-x v`, `-x=v`, `--x=v`; switches never take the next word. */

export interface Flags {
  readonly values: ReadonlyMap<string, string>
  readonly asked: 'help' | 'version' | undefined
  readonly problems: readonly string[]
}

/** What a flag is: which setting it belongs to, and the value it has when it stands alone. */
export interface FlagTarget {
  readonly key: string
  readonly bare: string | undefined
}

export function readFlags(argv: readonly string[], targets: ReadonlyMap<string, FlagTarget>): Flags {
  const values = new Map<string, string>()
  const problems: string[] = []
  const words = argv.values()
  for (const word of words) {
    const [, name = '', inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? []
    if (name === 'help' || name === 'h') return { values, problems, asked: 'help' }
    if (name === 'version') return { values, problems, asked: 'version' }
    const target = targets.get(name)
    if (name === '') {
      problems.push(`${quote(word)} is not a flag`)
    } else if (target === undefined) {
      problems.push(`--${quote(name).slice(1, -1)} is not a setting`)
    } else {
      const value = inline ?? target.bare ?? words.next().value
      if (value === undefined) problems.push(`--${name} needs a value`)
      else if (values.has(target.key)) problems.push(`--${name} is given twice`)
      else values.set(target.key, value)
    }
  }
  return { values, problems, asked: undefined }
}

export const quote = (text: string): string => JSON.stringify(clip(text))

/** Long enough to recognise what was typed, short enough for a log line. */
const clip = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
