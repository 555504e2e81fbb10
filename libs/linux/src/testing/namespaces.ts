/** Mount namespaces to test in: as root, as root of a user namespace, with mounts shared among peers. */
import { spawnSync } from 'node:child_process'

export interface Namespace {
  readonly name: string
  /** `unshare` with its options. */
  readonly command: readonly string[]
  readonly available: boolean
}

const namespace = (name: string, ...options: readonly string[]): Namespace => ({
  name,
  command: ['unshare', ...options],
  available: spawnSync('unshare', [...options, 'true']).status === 0,
})

/** Those that this machine refuses say so in `available`. */
export const mountNamespaces = (): readonly Namespace[] => [
  namespace('a mount namespace of root', '-m'),
  namespace('a mount namespace whose mounts are shared', '-m', '--propagation', 'shared'),
  namespace('a mount namespace of a mapped root', '-Urm'),
]
