import type { CredentialSet, OutputPaths } from '@pallas/credentials'
import { type Files, HostError } from '@pallas/host'
import { pinned } from './pinned.ts'

const MAX_FILE_BYTES = 256 * 1024

/** What is on disk, of one moment in each directory; a file that is not there, or not asked for, is empty text. */
export async function readCredentials(paths: OutputPaths, files: Files): Promise<Required<CredentialSet>> {
  const directories = new Map<string, Promise<string>>()
  const read = async (path = ''): Promise<string> => {
    if (path === '') return ''
    const cut = path.lastIndexOf('/')
    const directory = path.slice(0, cut)
    const at = directories.get(directory) ?? pinned(directory, files)
    directories.set(directory, at)
    return readText(`${await at}${path.slice(cut)}`, files)
  }
  return {
    keyPem: await read(paths.key),
    certPem: await read(paths.cert),
    caPem: await read(paths.caCert),
    ntoken: await read(paths.ntoken),
  }
}

async function readText(path: string, files: Files): Promise<string> {
  try {
    return new TextDecoder().decode(await files.read(path, MAX_FILE_BYTES))
  } catch (error) {
    if (error instanceof HostError && error.code === 'HOST_NOT_FOUND') return ''
    throw error
  }
}
