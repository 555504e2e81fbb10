import { type Files, HostError, type HostErrorCode } from '@pallas/host'

const NO_LINK: ReadonlySet<HostErrorCode> = new Set(['HOST_NOT_FOUND', 'HOST_WRONG_KIND'])

/**
 * Where to read several files of one directory so that they belong together: the generation that `..data` names now, or
 * the directory itself when it has none. A name that leads anywhere else is not followed.
 */
export async function pinned(directory: string, files: Pick<Files, 'readlink'>): Promise<string> {
  try {
    const generation = await files.readlink(`${directory}/..data`)
    return generation.startsWith('..') && !generation.includes('/') && generation !== '..'
      ? `${directory}/${generation}`
      : directory
  } catch (error) {
    if (error instanceof HostError && NO_LINK.has(error.code)) return directory
    throw error
  }
}
