/** The command line of `npm run images`. */
import { parseArgs } from 'node:util'
import { IMAGES, type Image } from './catalogue.ts'

export type Command =
  | { readonly kind: 'make'; readonly images: readonly Image[] }
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run images                 makes every image: build/images/<name>.tar, and <name>.spdx.json, what is in it
npm run images -- NAME …       some of them
npm run images -- --list       what there is
`

const OPTIONS = { list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

export function parseCommand(argv: readonly string[]): Command {
  try {
    return commandOf(argv)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(argv: readonly string[]): Command {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  if (values.help === true) return { kind: 'help' }
  if (values.list === true) return { kind: 'list' }
  const unknown = positionals.filter((name) => !IMAGES.some((image) => image.name === name))
  const known = IMAGES.map(({ name }) => name)
  if (unknown.length > 0) return { kind: 'wrong', problem: `no image ${unknown.join(', ')}; there are ${known.join(', ')}` }
  return { kind: 'make', images: IMAGES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)) }
}
