/**
 * What a project declares and what it uses are the same: a package by an import, a project of ours also by the path of a file of it,
 * for programs are run and bundled by path. What the root declares for development is everybody's.
 */
import { packageOf } from './layers.ts'
import type { Project } from './workspace.ts'

/** One sentence for each package that is declared and not used, or used and not declared. */
export function undeclaredAndUnused(projects: readonly Project[], ofRoot: readonly string[]): string[] {
  const names = new Map(projects.map(({ dir, name }) => [dir, name]))
  return projects.flatMap((project) => {
    const declared = new Set([...project.declared, ...project.declaredForTests])
    const imported = new Set(project.imports.map(({ specifier }) => specifier).filter(isPackage).map(packageOf))
    const used = new Set([...imported, ...project.paths.map((dir) => names.get(dir))])
    const mayImport = new Set([...declared, ...ofRoot, project.name])
    return [
      ...[...declared].filter((name) => !used.has(name)).map((name) => `${project.dir}/package.json declares ${name}, which nothing there uses`),
      ...[...imported].filter((name) => !mayImport.has(name)).map((name) => `${project.dir}/package.json does not declare ${name}, which is imported there`),
    ]
  })
}

/** Not a path, not of Node, and not made up while the program runs. */
const isPackage = (specifier: string): boolean => /^[a-z@]/.test(specifier) && !specifier.startsWith('node:')
