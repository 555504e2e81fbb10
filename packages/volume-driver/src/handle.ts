/** The name of a volume: a hash of its mount directory, keyed so that nobody who sees pod UIDs can compute it (W4). */
import { type Host, HostError } from '@pallas/host'
import { type Handle, parseHandle } from '@pallas/wire'
import { DriverError } from './error.ts'
import type { DriverSettings } from './settings.ts'

const KEY_BYTES = 32
const KEY_MODE = 0o600

export type HandleHost = Pick<Host, 'files' | 'keys'>

/** The handle of a mount directory, in the form of the settings. Makes the key of this host when there is none. */
export async function handleOf(
  mountDir: string,
  { handle, handleKeyFile }: Pick<DriverSettings, 'handle' | 'handleKeyFile'>,
  host: HandleHost,
): Promise<Handle> {
  if (handle === 'original') return await originalHandle(mountDir, host)
  return await keyedHandle(mountDir, (await readKey(handleKeyFile, host)) ?? (await makeKey(handleKeyFile, host)), host)
}

const keyedHandle = async (mountDir: string, key: Uint8Array, { keys }: Pick<Host, 'keys'>): Promise<Handle> =>
  encode(await keys.hmacSha256(key, new TextEncoder().encode(mountDir)))

/** As the original driver named its volumes (`spec/athenz-suite.md` 2.1). */
export async function originalHandle(mountDir: string, { keys }: Pick<Host, 'keys'>): Promise<Handle> {
  return encode(await keys.sha256(new TextEncoder().encode(mountDir)))
}

/** What the volume of a mount directory may be called, for finding one that does not say whose it is. Makes no key. */
export async function possibleHandles(
  mountDir: string,
  { handleKeyFile }: Pick<DriverSettings, 'handleKeyFile'>,
  host: HandleHost,
): Promise<readonly Handle[]> {
  const original = await originalHandle(mountDir, host)
  const key = await keyIfTrusted(handleKeyFile, host)
  return key === undefined ? [original] : [original, await keyedHandle(mountDir, key, host)]
}

/** What says whose it is can be taken away without a key, so that one which is not trusted is none. */
async function keyIfTrusted(path: string, host: HandleHost): Promise<Uint8Array | undefined> {
  try {
    return await readKey(path, host)
  } catch (error) {
    if (error instanceof DriverError && error.code === 'HANDLE_KEY_UNTRUSTED') return undefined
    throw error
  }
}

/** Throws `HANDLE_KEY_UNTRUSTED` for a key that others may know or have put there. */
async function readKey(path: string, { files }: HandleHost): Promise<Uint8Array | undefined> {
  const found = await files.stat(path)
  if (found === undefined) return undefined
  const directory = await files.stat(parentOf(path))
  const ours = found.kind === 'file' && found.uid === directory?.uid && (found.mode & 0o077) === 0
  if (!ours) throw new DriverError('HANDLE_KEY_UNTRUSTED', 'the handle key is not a file that only its owner may use')
  if (found.size !== KEY_BYTES) throw new DriverError('HANDLE_KEY_UNTRUSTED', 'the handle key is not 32 bytes long')
  return await files.read(path, KEY_BYTES)
}

/** Made beside and linked into place: of several makers one wins, and all use what it made. */
async function makeKey(path: string, host: HandleHost): Promise<Uint8Array> {
  const { files, keys } = host
  const directory = parentOf(path)
  const aside = `${path}.${keys.randomBytes(8).toHex()}`
  await files.mkdirs(directory, 0o755)
  await files.create(aside, keys.randomBytes(KEY_BYTES), KEY_MODE)
  try {
    await files.link(aside, path)
  } catch (error) {
    // Taken, or swept by the winner: either way the key is there now.
    if (!(error instanceof HostError) || !['HOST_EXISTS', 'HOST_NOT_FOUND'].includes(error.code)) throw error
  } finally {
    await sweep(path, files)
  }
  await files.syncDirectory(directory)
  const key = await readKey(path, host)
  if (key !== undefined) return key
  throw new DriverError('HANDLE_KEY_UNTRUSTED', 'the handle key went away')
}

/** Takes away what makers left beside the key, our own and that of those who ended too early. */
async function sweep(path: string, files: HandleHost['files']): Promise<void> {
  const directory = parentOf(path)
  const prefix = `${path.slice(directory.length + 1)}.`
  for (const each of await files.list(directory)) {
    const aside = each.startsWith(prefix) && /^[0-9a-f]{16}$/.test(each.slice(prefix.length))
    if (aside) await files.unlink(`${directory}/${each}`)
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

const encode = (digest: Uint8Array): Handle =>
  parseHandle(digest.toBase64({ alphabet: 'base64url', omitPadding: true }))
