/** The crates that are linked into a static program, as cargo resolves them from its lock file. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunTool, runTool } from '../tool.ts'
import { type Component, distinct } from './component.ts'

interface Metadata {
  readonly packages: readonly { readonly id: string; readonly name: string; readonly version: string; readonly license: string | null; readonly source: string | null }[]
  readonly resolve: { readonly root: string | null; readonly nodes: readonly ResolvedNode[] }
}

interface ResolvedNode {
  readonly id: string
  readonly deps: readonly { readonly pkg: string; readonly dep_kinds: readonly { readonly kind: string | null }[] }[]
}

export interface Crate {
  /** Where its manifest and its lock file lie. */
  readonly dir: string
  /** What it is built for, as Rust names it. */
  readonly target: string
  readonly features: readonly string[]
}

/** What the crate links; what only builds or tests it is left out. */
export async function cargoComponents({ dir, target, features }: Crate, run: RunTool = runTool): Promise<Component[]> {
  const terms = ['--locked', '--format-version', '1', '--filter-platform', target, '--features', features.join(',')]
  const text = await run(['cargo', 'metadata', ...terms, '--manifest-path', join(dir, 'Cargo.toml')])
  return componentsOf(JSON.parse(text) as Metadata, await readFile(join(dir, 'Cargo.lock'), 'utf8'))
}

function componentsOf({ packages, resolve }: Metadata, lock: string): Component[] {
  const linked = reachable(resolve)
  const components = packages
    .filter(({ id, source }) => linked.has(id) && source !== null)
    .map(({ name, version, license }): Component => ({
      kind: 'cargo',
      name,
      version,
      // The form of old crates.
      licence: license?.replaceAll('/', ' OR '),
      checksum: checksumOf(lock, name, version),
      purl: `pkg:cargo/${name}@${encodeURIComponent(version)}`,
    }))
  return distinct(components)
}

/** Crates that the root needs to run. A kind says what else a crate is for: `build`, `dev`. */
function reachable({ root, nodes }: Metadata['resolve']): Set<string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const found = new Set<string>()
  const todo = root === null ? [] : [root]
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (found.has(id)) continue
    found.add(id)
    const linked = (byId.get(id)?.deps ?? []).filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null))
    todo.push(...linked.map(({ pkg }) => pkg))
  }
  return found
}

function checksumOf(lock: string, name: string, version: string): Component['checksum'] {
  const entry = lock.split('[[package]]').find((it) => it.includes(`\nname = "${name}"\n`) && it.includes(`\nversion = "${version}"\n`))
  const [, hex] = /\nchecksum = "([0-9a-f]{64})"/.exec(entry ?? '') ?? []
  return hex === undefined ? undefined : { algorithm: 'SHA256', hex }
}
