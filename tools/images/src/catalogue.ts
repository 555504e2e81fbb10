/** The images that `npm run images` makes: what runs in each, and who it runs as. Said once, here; the Dockerfile follows. */
import { NODE, NONROOT } from './node-base.ts'

export interface NodeImage {
  readonly kind: 'node'
  readonly name: string
  readonly doc: string
  /** The program's source, below the repository. */
  readonly entry: string
  readonly root?: boolean
  /** Static programs that lie in `/usr/bin` beside it. */
  readonly carries?: readonly StaticName[]
}

export interface StaticImage {
  readonly kind: 'static'
  readonly name: StaticName
  readonly doc: string
}

export type StaticName = 'athenz-sia' | 'athenz-control-sia' | 'athenz-volume-driver'
export type Image = NodeImage | StaticImage

export const IMAGES: readonly Image[] = [
  {
    kind: 'node',
    name: 'athenz-identity-agent',
    doc: 'attests pods, gets and renews their identities; installs the volume driver that it carries',
    entry: 'packages/identity-agent/src/main.ts',
    // It reads what only the root of a node may: other processes, the kubelet's directories, keys of pods.
    root: true,
    carries: ['athenz-volume-driver'],
  },
  { kind: 'node', name: 'athenz-jwt-service', doc: 'signs pod documents', entry: 'packages/jwt-service/src/main.ts' },
  { kind: 'node', name: 'athenz-callback', doc: 'tells ZTS whether a pod is what it says', entry: 'packages/callback/src/main.ts' },
  { kind: 'node', name: 'athenz-initializer', doc: 'injects identities into annotated pods', entry: 'packages/initializer/src/main.ts' },
  { kind: 'static', name: 'athenz-sia', doc: 'gets a pod its credentials and keeps them fresh' },
  { kind: 'static', name: 'athenz-control-sia', doc: 'the same for the control plane itself' },
  { kind: 'node', name: 'athenz-trial-zts', doc: 'a ZTS to try the suite with, not for production', entry: 'tools/trial/src/zts-main.ts' },
]

export const NAMESPACE = 'localhost/pallas'

/** Where a program's bundle lies in its image. */
export const bundleDirectory = (name: string): string => `/usr/lib/athenz/${name}`

export const staticPath = (name: StaticName): string => `/usr/bin/${name}`

export const ENVIRONMENT: Readonly<Record<Image['kind'], Readonly<Record<string, string>>>> = {
  node: { NODE_ENV: 'production' },
  static: {},
}

export const userOf = (image: Image): string =>
  image.kind === 'node' && image.root === true ? '0:0' : `${NONROOT}:${NONROOT}`

/** `flags` are what the program's first line tells Node. */
export const entrypointOf = (image: Image, flags: readonly string[]): readonly string[] =>
  image.kind === 'static' ? [staticPath(image.name)] : [NODE, ...flags, `${bundleDirectory(image.name)}/main.mjs`]

export const labelsOf = ({ name, doc }: Image, version: string): Readonly<Record<string, string>> => ({
  'org.opencontainers.image.title': name,
  'org.opencontainers.image.description': doc,
  'org.opencontainers.image.version': version,
  'org.opencontainers.image.licenses': 'Apache-2.0',
})
