/**
 * Who may import whom: a project imports only lower layers, never its own; only what it declares; `testing` only in tests,
 * fakes, tools and harnesses; and `runs:anywhere` code nothing that needs Node, outside the files that open a Node home.
 */
import type { Import, Project } from './workspace.ts'

const LAYERS = ['model', 'kit', 'edge', 'app', 'build', 'tool', 'harness', 'judge']

/** Packages without a Node module inside, allowed in `runs:anywhere` code. */
const ANYWHERE_PACKAGES = new Set(['ipaddr.js', 'yaml'])

const layerOf = (project: Project | undefined): number =>
  LAYERS.indexOf(project?.tags.find((tag) => tag.startsWith('layer:'))?.slice('layer:'.length) ?? '')

const runsAnywhere = (project: Project | undefined): boolean => project?.tags.includes('runs:anywhere') ?? false

const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('/testing/')

/** The files that open a Node home, and the room of what runs beside it there. */
const opensNodeHome = (file: string): boolean =>
  file.endsWith('/main.ts') || file.endsWith('-main.ts') || file.includes('/src/node/')

/** `@scope/name/sub/path` → `@scope/name`. */
export const packageOf = (specifier: string): string =>
  specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')

/** One sentence for each breach. */
export function breaches(projects: readonly Project[], nxEdges: readonly (readonly [string, string])[]): string[] {
  const byName = new Map(projects.map((project) => [project.name, project]))
  return [
    ...(nxEdges.length === 0 ? ['nx saw no dependencies at all: its graph is partial'] : []),
    ...projects.filter((project) => layerOf(project) < 0).map(({ name }) => `${name} has no layer tag`),
    ...nxEdges.filter(([from, to]) => upward(byName.get(from), byName.get(to))).map(([from, to]) => `${from} must not depend on ${to}`),
    ...projects.flatMap((project) => project.imports.flatMap((it) => importBreaches(project, it, byName))),
  ]
}

const upward = (from: Project | undefined, to: Project | undefined): boolean => layerOf(from) <= layerOf(to)

function importBreaches(project: Project, { file, specifier }: Import, byName: ReadonlyMap<string, Project>): string[] {
  if (specifier.startsWith('node:')) {
    return mayUseNode(project, file) ? [] : [`${file} imports ${specifier}: this project runs anywhere`]
  }
  if (specifier.startsWith('.')) {
    return leaves(file, specifier, project.dir) ? [`${file} reaches out of its project: ${specifier}`] : []
  }
  const target = byName.get(packageOf(specifier))
  if (target === undefined) {
    const allowed = mayUseNode(project, file) || ANYWHERE_PACKAGES.has(specifier)
    return allowed ? [] : [`${file} imports ${specifier}: not known to run anywhere`]
  }
  return [
    ...(isDeclared(project, file, target.name) ? [] : [`${file} imports ${target.name}, which ${project.name} does not declare`]),
    ...(upward(project, target) ? [`${file} imports ${target.name}: not a lower layer`] : []),
    ...(/\/testing(\/|$)/.test(specifier) && !isTest(file) && layerOf(project) < LAYERS.indexOf('tool')
      ? [`${file} imports ${specifier} outside a test`]
      : []),
    ...(mayUseNode(project, file) || runsAnywhere(target) ? [] : [`${file} imports ${target.name}, which needs Node`]),
  ]
}

const isDeclared = (project: Project, file: string, name: string): boolean =>
  project.declared.includes(name) || (isTest(file) && project.declaredForTests.includes(name))

const mayUseNode = (project: Project, file: string): boolean =>
  !runsAnywhere(project) || isTest(file) || opensNodeHome(file)

function leaves(file: string, specifier: string, dir: string): boolean {
  const up = specifier.split('/').filter((part) => part === '..').length
  return up > file.slice(dir.length + 1).split('/').length - 1
}
