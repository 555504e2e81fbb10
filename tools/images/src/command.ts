/** The command line of `npm run images`. */
import { parseArgs } from 'node:util'
import { IMAGES, type Image } from './catalogue.ts'

export type Command =
  | { readonly kind: 'make'; readonly images: readonly Image[] }
  | { readonly kind: 'files'; readonly images: readonly Image[]; readonly dir: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const HELP = `npm run images                      makes every image: build/images/<name>.tar, and <name>.spdx.json, what is in it
npm run images -- NAME …            some of them
npm run images -- --list            what there is
npm run images -- --files DIR [NAME …]
    what lies in them as files instead: DIR/<name>, DIR/node (Node alone), DIR/system (what Node needs
    of a base image); deploy/images/Dockerfile copies from there
`

const OPTIONS = {
  files: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export function parseCommand(argv: readonly string[]): Command {
  try {
    return commandOf(argv)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(argv: readonly string[]): Command {
  const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  const { files, list, help } = values
  if (help === true) return { kind: 'help' }
  if (list === true) return { kind: 'list' }
  if (files === '') return { kind: 'wrong', problem: '--files needs a directory' }
  const unknown = positionals.filter((name) => !IMAGES.some((image) => image.name === name))
  const known = IMAGES.map(({ name }) => name)
  if (unknown.length > 0) return { kind: 'wrong', problem: `no image ${unknown.join(', ')}; there are ${known.join(', ')}` }
  const images = IMAGES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  return files === undefined ? { kind: 'make', images } : { kind: 'files', images, dir: files }
}
