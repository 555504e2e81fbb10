/** The key that a service of the control plane registered at Athenz, and the version it has there. */
import { type Files, HostError, type Keys, type PrivateKey } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { pinned } from '../output/pinned.ts'

const MAX_KEY_BYTES = 64 * 1024
const MAX_VERSION_BYTES = 256
const VERSION = /^[A-Za-z0-9._-]{1,128}$/

export interface ServiceKey {
  readonly key: PrivateKey
  /** Key id at Athenz, such as `v1`. */
  readonly version: string
}

export interface ServiceKeyDeps {
  readonly files: Files
  readonly keys: Keys
}

/** Both files of one moment, though the directory be swapped meanwhile. Throws `SIGNING_KEY_UNAVAILABLE`. */
export async function readServiceKey(directory: string, { files, keys }: ServiceKeyDeps): Promise<ServiceKey> {
  try {
    const at = await pinned(directory, files)
    const version = textOf(await files.read(`${at}/service.version`, MAX_VERSION_BYTES)).trim()
    if (!VERSION.test(version)) throw unusable('service.version is not a key version')
    const key = await keys.import(textOf(await files.read(`${at}/service.key`, MAX_KEY_BYTES)))
    return { key, version }
  } catch (error) {
    if (error instanceof HostError) throw unusable('the key or its version cannot be read', error)
    throw error
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const unusable = (message: string, cause?: unknown) =>
  new IdentityError('SIGNING_KEY_UNAVAILABLE', message, {}, cause === undefined ? {} : { cause })
