/** What every image with a Node program stands on: Node, the libraries it needs, and the few files that they read. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Architecture } from './archive.ts'
import { type DebianOptions, type DebianPackage, debianPackage } from './debian.ts'
import { copyStripped } from './elf.ts'
import type { LayerEntry } from './layer.ts'
import { libraryEntries } from './libraries.ts'

export const NODE = '/usr/bin/node'

/** Whose libraries Node asks for. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1']

/** Who programs run as where they need not be root: an account without a name elsewhere, as in other minimal images. */
export const NONROOT = 65_532

const ETC: Readonly<Record<string, string>> = {
  'etc/passwd': `root:x:0:0:root:/:/sbin/nologin\nathenz:x:${NONROOT}:${NONROOT}:athenz:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n`,
  'etc/group': `root:x:0:\nathenz:x:${NONROOT}:\nnogroup:x:65534:\n`,
  // Without it the C library asks the name server before it reads /etc/hosts. Both ways are built into it.
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

export interface PinnedNode {
  readonly binary: string
  readonly licence: string
  readonly version: string
  /** The npm package that holds it. */
  readonly npmName: string
}

export interface NodeBase {
  /** Node and its licence. */
  readonly nodeEntries: readonly LayerEntry[]
  /** What it needs besides, where there is no other base. */
  readonly systemEntries: readonly LayerEntry[]
  readonly packages: readonly DebianPackage[]
  readonly node: PinnedNode
}

/** Of this machine's architecture. `work` takes what is made on the way and must last as long as the entries. */
export async function nodeBase(work: string, options: DebianOptions = {}): Promise<NodeBase> {
  const node = pinnedNode()
  const packages: DebianPackage[] = []
  for (const name of PACKAGES) packages.push(await debianPackage(name, options))
  const stripped = join(work, 'node')
  await copyStripped(node.binary, stripped)
  const nodeEntries: LayerEntry[] = [
    { kind: 'file', path: NODE.slice(1), from: stripped, mode: 0o755 },
    { kind: 'file', path: 'usr/share/doc/node/LICENSE', from: node.licence, mode: 0o644 },
  ]
  const systemEntries: LayerEntry[] = [
    ...(await libraryEntries(node.binary, packages)),
    ...Object.entries(ETC).map(([path, text]): LayerEntry => ({ kind: 'text', path, text })),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...packages.map((it): LayerEntry => ({ kind: 'file', path: `usr/share/doc/${it.name}/copyright`, from: it.licence, mode: 0o644 })),
  ]
  return { nodeEntries, systemEntries, packages, node }
}

/** The Node that the project's lock file pins for this machine. */
function pinnedNode(): PinnedNode {
  const npmName = `node-linux-${process.arch}`
  const require = createRequire(import.meta.url)
  const manifest = require.resolve(`${npmName}/package.json`)
  const { version } = require(manifest) as { version: string }
  const dir = dirname(manifest)
  return { binary: join(dir, 'bin/node'), licence: join(dir, 'LICENSE'), version, npmName }
}

export const ownArchitecture = (): Architecture => (process.arch === 'arm64' ? 'arm64' : 'amd64')
