/** The projects of this repository as they are on disk: what each declares, and what its files really import. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Project {
  readonly name: string
  readonly dir: string
  readonly tags: readonly string[]
  /** Every package that package.json declares. */
  readonly declared: readonly string[]
  /** Those that it declares for tests alone. */
  readonly declaredForTests: readonly string[]
  readonly imports: readonly Import[]
  /** Directories of projects that its files name in the path of a file: of programs that they run or bundle. */
  readonly paths: readonly string[]
}

export interface Import {
  readonly file: string
  readonly specifier: string
}

export function readProjects(root: string): Project[] {
  return globSync('{libs,packages,tools}/*/package.json', { cwd: root })
    .sort()
    .map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8'))
      const dir = dirname(path)
      const files = globSync(`${dir}/src/**/*.ts`, { cwd: root }).sort().map((file) => ({ file, source: readFileSync(join(root, file), 'utf8') }))
      return {
        name: manifest.name,
        dir,
        tags: manifest.nx?.tags ?? [],
        declared: Object.keys(manifest.dependencies ?? {}),
        declaredForTests: Object.keys(manifest.devDependencies ?? {}),
        imports: files.flatMap(({ file, source }) => specifiersOf(source).map((specifier) => ({ file, specifier }))),
        paths: [...new Set(files.flatMap(({ source }) => pathsIn(source)))],
      }
    })
}

const IMPORT = /(?:^|[;\s}])(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

/** Static, type-only, re-exporting and dynamic imports with a literal specifier. */
export function specifiersOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')
}

const PATH = /['"`]((?:libs|packages|tools)\/[\w-]+)\//g

const COMMENT = /^\s*\/\*[^]*?\*\/|(?:^|\s)\/\/\s.*$/gm

/** Directories of the projects whose files are named in a string, and not only in a comment. */
export const pathsIn = (source: string): string[] => [...source.replaceAll(COMMENT, '').matchAll(PATH)].map((match) => match[1] ?? '')

/** Edges between projects as nx sees them, to be held against what the package.json files say. */
export function nxEdges(root: string): (readonly [string, string])[] {
  const dir = mkdtempSync(join(tmpdir(), 'graph-'))
  try {
    const file = join(dir, 'graph.json')
    execFileSync('nx', ['graph', `--file=${file}`], { cwd: root, stdio: 'ignore', env: { ...process.env, NX_DAEMON: 'false' } })
    const { graph } = JSON.parse(readFileSync(file, 'utf8'))
    return Object.entries<{ target: string }[]>(graph.dependencies).flatMap(([from, to]) =>
      to.filter(({ target }) => target in graph.nodes).map(({ target }) => [from, target] as const),
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
}
