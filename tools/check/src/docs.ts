/** Pages, or parts of pages, that are made from the code: settings and reason codes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { program as callback } from '@pallas/callback'
import { describeProgram } from '@pallas/config'
import { REASONS } from '@pallas/identity'
import { program as agent } from '@pallas/identity-agent'
import { program as initializer } from '@pallas/initializer'
import { program as jwtService } from '@pallas/jwt-service'
import { controlProgram, program as sia } from '@pallas/sia'
import { driverProgram, SETTINGS_FILE } from '@pallas/volume-driver'

const START = '<!-- generated: npm run docs -->'
const END = '<!-- end of generated part -->'

/** Path → whole text, for every page with a generated part. */
export function generatedDocs(root: string): Record<string, string> {
  const page = (path: string, part: string) => ({ [path]: fill(readFileSync(join(root, path), 'utf8'), part) })
  return { ...page('docs/configuration.md', settings()), ...page('docs/operations.md', reasons()) }
}

const settings = (): string =>
  [driverSettings(), ...[agent, jwtService, callback, initializer, sia, controlProgram].map((it) => describeProgram(it))].join('\n')

/** The kubelet owns the driver's arguments, so its settings are keys of a file. */
function driverSettings(): string {
  const { name, summary, schema } = driverProgram
  const rows = Object.entries(schema).map(([key, { default: standard, doc }]) => `| \`${key}\` | \`${standard}\` | ${doc} |`)
  return [`## ${name}`, '', summary, '', `Keys of \`${SETTINGS_FILE}\`, all optional:`, '', '| key | default | what it is |', '|---|---|---|', ...rows, ''].join('\n')
}

const reasons = (): string =>
  ['| reason | kind | meaning |', '|---|---|---|', ...Object.entries(REASONS).map(([code, { kind, doc }]) => `| \`${code}\` | ${kind} | ${doc} |`), ''].join('\n')

function fill(page: string, part: string): string {
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('the page has no generated part')
  return `${before}${START}\n\n${part}\n${END}${after}`
}
