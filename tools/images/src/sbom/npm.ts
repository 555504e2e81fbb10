/** The npm packages that are in a bundle, as the lock file knows them. */
import { ImagesError } from '../error.ts'
import { type Component, distinct } from './component.ts'

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly name?: string
}

/** `inputs` are the files of a bundle, below the repository; the project's own are not packages. */
export function npmComponents(inputs: readonly string[], lock: LockFile): Component[] {
  const places = new Set(inputs.map(packagePlace).filter((place) => place !== undefined))
  // A package may lie in two places, in one version.
  return distinct([...places].map((place) => npmComponent(place, lock)))
}

/** `a/node_modules/@b/c/d.js` → `a/node_modules/@b/c`. */
export const packagePlace = (input: string): string | undefined => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0]

export function npmComponent(place: string, { packages }: LockFile): Component {
  const locked = packages[place]
  const name = locked?.name ?? place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const version = locked?.version
  if (locked === undefined || version === undefined) {
    throw new ImagesError('IMAGES_NO_PACKAGE', 'a package in a bundle is not in the lock file', { place })
  }
  return {
    kind: 'npm',
    name,
    version,
    licence: locked.license,
    checksum: checksumOf(locked.integrity),
    purl: `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`,
  }
}

function checksumOf(integrity: string | undefined): Component['checksum'] {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? []
  return base64 === undefined ? undefined : { algorithm: 'SHA512', hex: Buffer.from(base64, 'base64').toString('hex') }
}
