import { allOf, type CredentialSet, type OutputPaths } from '@pallas/credentials'
import { type Files, HostError } from '@pallas/host'
import { pinned } from './pinned.ts'

const MAX_FILE_BYTES = 256 * 1024

/**
 * What is on disk, of one moment in each directory; a file that is not there, or not asked for, is empty text, and of
 * several copies the first counts. A role without a certificate is left out.
 */
export async function readCredentials(paths: OutputPaths, files: Files): Promise<Required<CredentialSet>> {
  const read = createPinnedReader(files)
  const roles = await Promise.all(
    (paths.roles ?? []).map(async ({ name, cert }) => ({ name, certPem: await read(cert) })),
  )
  return {
    keyPem: await read(allOf(paths.key)[0]),
    certPem: await read(allOf(paths.cert)[0]),
    caPem: await read(paths.caCert),
    ntoken: await read(paths.ntoken),
    roles: roles.filter(({ certPem }) => certPem !== ''),
  }
}

/**
 * Reads files so that those of one directory belong together; empty text for what is not there. Throws `HostError` for
 * what this program did not make: a file of another user, or one that is reached over more links than ours.
 */
export function createPinnedReader(files: Files): (path: string | undefined) => Promise<string> {
  const directories = new Map<string, Promise<string>>()
  return async (path = '') => {
    if (path === '') return ''
    const cut = path.lastIndexOf('/')
    const directory = path.slice(0, cut)
    const at = directories.get(directory) ?? pinned(directory, files)
    directories.set(directory, at)
    return readText(`${await at}${path.slice(cut)}`, files)
  }
}

async function readText(path: string, files: Files): Promise<string> {
  try {
    return new TextDecoder().decode(await files.readOwn(path, MAX_FILE_BYTES))
  } catch (error) {
    if (error instanceof HostError && error.code === 'HOST_NOT_FOUND') return ''
    throw error
  }
}
