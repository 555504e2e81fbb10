/** What must never be written down: keys, certificates' requests, documents, tokens, however they are wrapped. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SHAPES: readonly (readonly [string, RegExp])[] = [
  ['a PEM block', /-----BEGIN/],
  ['a PEM block in base64', /LS0tLS1CRUdJTi/],
  ['DER in base64', /MI[A-Za-z0-9+/]{2}[A-Za-z0-9+/\\n]{60}/],
  ['a signed JWT', /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/],
  ['an N-token', /v=[A-Z]\d;[^"\s]*;s=/],
  ['a bearer token', /[Bb]earer\s+[A-Za-z0-9._-]{16,}/],
]

/** Names of what is found. */
export const secretsIn = (text: string): string[] => SHAPES.flatMap(([name, shape]) => (shape.test(text) ? [name] : []))

/** Of the suite's programs; what a user's own container prints is the user's business. */
const isOurs = (file: string): boolean => file.endsWith('.log') && !file.startsWith('exec-') && !file.endsWith('_main.log')

/** `<file>: <what>` for each log of the directory. */
export const leaksIn = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir).filter(isOurs).flatMap((file) => secretsIn(readFileSync(join(dir, file), 'utf8')).map((what) => `${file}: ${what}`))
    : []
