/** Publishes sets of three files on a tree in memory. */
import type { OutputFile } from '../output.ts'
import { directoriesOf, planPublication, type Publication, type SeenDirectory } from '../publication.ts'
import { Tree } from './tree.ts'

export const NOW = Date.parse('2030-01-02T03:04:05.678Z')
export const MINUTE = 60_000

export const setOf = (word: string): OutputFile[] => [
  { path: '/tls/service.key', content: `key ${word}`, secret: true },
  { path: '/tls/service.cert', content: `cert ${word}`, secret: false },
  { path: '/tokens/ntoken', content: `token ${word}`, secret: true },
]

export const emptyTree = () =>
  new Tree([
    ['/tls', { kind: 'directory', mode: 0o755 }],
    ['/tokens', { kind: 'directory', mode: 0o2775 }],
  ])

export function plan(tree: Tree, files: readonly OutputFile[], more: { now?: number; serial?: string } = {}): Publication {
  const seen = new Map<string, SeenDirectory>()
  for (const directory of directoriesOf(files)) {
    const found = tree.look(directory)
    if (found !== undefined) seen.set(directory, found)
  }
  return planPublication(files, { now: NOW, serial: 'AB12', ...more, seen })
}

export const stepsOf = ({ prepare, commit, clean }: Publication) => [...prepare, ...commit, ...clean]

export function publish(tree: Tree, files: readonly OutputFile[], more: { now?: number; serial?: string } = {}): Tree {
  for (const step of stepsOf(plan(tree, files, more))) tree.carryOut(step)
  return tree
}

/** What stands under the names of the three files. */
export const plainly = (tree: Tree) =>
  ['/tls/service.key', '/tls/service.cert', '/tokens/ntoken'].map((path) => tree.read(path))
