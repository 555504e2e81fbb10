/** Pages, or parts of pages, that are made from the code: settings, reason codes, and which tests show what. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { program as callback } from '@pallas/callback'
import { describeProgram, readProgram } from '@pallas/config'
import { REASONS } from '@pallas/identity'
import { program as agent } from '@pallas/identity-agent'
import { policyProgram, program as initializer, renderPolicy } from '@pallas/initializer'
import { program as jwtService } from '@pallas/jwt-service'
import { controlProgram, program as sia } from '@pallas/sia'
import { driverProgram, SETTINGS_FILE } from '@pallas/volume-driver'
import { attackTable, contractTable, weaknessTable } from './evidence/tables.ts'
import { evidenceOf } from './evidence/tags.ts'

/** Path → whole text, for every page with a generated part. */
export function generatedDocs(root: string): Record<string, string> {
  const found = evidenceOf(root)
  const page = (path: string, parts: Readonly<Record<string, string>>) => ({
    [path]: Object.entries(parts).reduce((text, [name, part]) => fill(text, name, part), readFileSync(join(root, path), 'utf8')),
  })
  return {
    ...page('docs/configuration.md', { settings: settings() }),
    ...page('docs/operations.md', { reasons: reasons() }),
    ...page('docs/threat-model.md', { weaknesses: weaknessTable(found), attacks: attackTable(found) }),
    ...page('docs/migration.md', { contract: contractTable(found, decisions(root)) }),
    'deploy/overlays/policy/policy.yaml': policy(root),
  }
}

/** The templates that are deployed, as policies with the settings that are there by default. */
function policy(root: string): string {
  const templates = join(root, 'deploy/base/initializer-config.yaml')
  const reading = readProgram(policyProgram, { argv: [`--templates=${templates}`], env: {}, version: '' })
  return reading.kind === 'print' ? reading.text : renderPolicy(readFileSync(templates, 'utf8'), reading.settings)
}

/** Number of a decision → its file in `docs/adr`. */
const decisions = (root: string): ReadonlyMap<number, string> =>
  new Map(globSync('[0-9]*.md', { cwd: join(root, 'docs/adr') }).map((file) => [Number(file.slice(0, 4)), file]))

const settings = (): string =>
  [driverSettings(), ...[agent, jwtService, callback, initializer, policyProgram, sia, controlProgram].map((it) => describeProgram(it))].join('\n')

/** The kubelet owns the driver's arguments, so its settings are keys of a file. */
function driverSettings(): string {
  const { name, summary, schema } = driverProgram
  const rows = Object.entries(schema).map(([key, { default: standard, doc }]) => `| \`${key}\` | \`${standard}\` | ${doc} |`)
  return [`## ${name}`, '', summary, '', `Keys of \`${SETTINGS_FILE}\`, all optional:`, '', '| key | default | what it is |', '|---|---|---|', ...rows, ''].join('\n')
}

const reasons = (): string =>
  ['| reason | kind | meaning |', '|---|---|---|', ...Object.entries(REASONS).map(([code, { kind, doc }]) => `| \`${code}\` | ${kind} | ${doc} |`), ''].join('\n')

function fill(page: string, name: string, part: string): string {
  const [start, end] = [`<!-- generated ${name}: npm run docs -->`, `<!-- end of generated ${name} -->`]
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`a page has no generated part "${name}"`)
  return `${before}${start}\n\n${part}\n${end}${after}`
}
