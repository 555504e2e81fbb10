/** What `npm run images` says of each image. */
import type { Image } from './catalogue.ts'
import { ImagesError } from './error.ts'
import type { Made } from './make-images.ts'

const MEGABYTE = 1_000_000

export const HEADING = row(['image', 'size', 'layers', 'user', 'digest'])

export function lineOf({ image, result }: Made): string {
  if ('failure' in result) return `${image.name.padEnd(24)} not made: ${explain(result.failure)}`
  const layers = result.layers.map(({ size }) => megabytes(size)).join(' + ')
  return row([image.name, `${megabytes(result.size)} MB`, layers, result.user, result.digest])
}

function row([name = '', size = '', layers = '', user = '', digest = '']: readonly string[]): string {
  return `${name.padEnd(24)} ${size.padStart(9)}  ${layers.padEnd(20)} ${user.padEnd(12)} ${digest}`
}

const megabytes = (size: number): string => (size / MEGABYTE).toFixed(1)

/** With the facts that tell a person where to look. */
export function explain(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  const facts = failure instanceof ImagesError ? ` (${failure.code} ${JSON.stringify(failure.fields)})` : ''
  return `${failure.message}${facts}`
}

export const listLine = ({ name, doc }: Image): string => `${name.padEnd(24)} ${doc}`
