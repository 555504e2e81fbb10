/** The checks of `npm run check`, each a name and a function that gives its complaints. */
import { execFile } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { readAlerts } from './alerts.ts'
import { undeclaredAndUnused } from './declarations.ts'
import { generatedDocs } from './docs.ts'
import { gaps } from './evidence/tables.ts'
import { evidenceOf } from './evidence/tags.ts'
import { breaches } from './layers.ts'
import { nxEdges, readProjects } from './workspace.ts'

export interface Step {
  readonly name: string
  run(root: string): Promise<readonly string[]>
}

const exec = promisify(execFile)

/** A tool of node_modules/.bin; its output is the complaint when it does not exit 0. */
const tool = (name: string, command: string, args: readonly string[]): Step => ({
  name,
  run: (root) =>
    exec(command, [...args], { cwd: root, maxBuffer: 1 << 26 }).then(
      () => [],
      (error: { stdout?: string; stderr?: string; message: string }) => [error.stdout || error.stderr || error.message],
    ),
})

const layers: Step = {
  name: 'layers',
  run: async (root) => breaches(readProjects(root), nxEdges(root)),
}

const declarations: Step = {
  name: 'what is declared is used',
  run: async (root) => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly devDependencies: object }
    return undeclaredAndUnused(readProjects(root), Object.keys(devDependencies))
  },
}

/** `x.tests.ts`, `x.spec.ts`, `x_test.ts`, `x.test.ts ` look like tests, and vitest would pass them over in silence. */
const LOOKS_LIKE_A_TEST = /\.(tests?|spec)\b|_test\./

const testNames: Step = {
  name: 'every test file runs',
  run: async (root) =>
    globSync('{libs,packages,tools}/*/**/*', { cwd: root, exclude: ['**/node_modules'] })
      .filter((file) => LOOKS_LIKE_A_TEST.test(basename(file)) && !/\/src\/.*\.test\.ts$/.test(file))
      .map((file) => `${file} looks like a test, but vitest does not run it`),
}

const docs: Step = {
  name: 'docs drift',
  run: async (root) =>
    Object.entries(generatedDocs(root))
      .filter(([path, text]) => readFileSync(join(root, path), 'utf8') !== text)
      .map(([path]) => `${path} is not what the code says: npm run docs`),
}

const evidence: Step = {
  name: 'every weakness, contract line and attack has its test',
  run: async (root) => gaps(evidenceOf(root)),
}

const alerts: Step = {
  name: 'alerts',
  run: async (root) => readAlerts(root),
}

export const STEPS: readonly Step[] = [
  tool('types', 'tsc', ['-p', 'tsconfig.json']),
  tool('types without Node', 'tsc', ['-p', 'tsconfig.anywhere.json']),
  tool('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
  layers,
  declarations,
  testNames,
  docs,
  evidence,
  alerts,
]

export function writeDocs(root: string): void {
  for (const [path, text] of Object.entries(generatedDocs(root))) writeFileSync(join(root, path), text)
}
