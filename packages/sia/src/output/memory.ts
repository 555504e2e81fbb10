/**
 * What this program put in place, by path. Files that are published again, beside others that changed, come from here:
 * what lies on disk may meanwhile be another's, who would have us copy for him what only we can read. The disk is asked
 * only for what an earlier run left, once, and what is not plainly one of our files does not count.
 */
import { type Files, HostError, type HostErrorCode } from '@pallas/host'
import { readCertificates, X509Error } from '@pallas/x509'
import { isTokenText } from '../tokens/life.ts'
import { createPinnedReader } from './read-credentials.ts'

export interface Place {
  readonly path: string
  readonly secret: boolean
}

export interface Memory {
  /** What belongs at these places, of one moment in each directory; those where nothing does are left out. */
  at(places: readonly Place[]): Promise<readonly (Place & { readonly content: string })[]>
  put(files: readonly { readonly path: string; readonly content: string | Uint8Array }[]): void
  forget(places: readonly Place[]): void
}

/** Never ours, or no longer. Anything else may pass, and nothing is given up for it. */
const FOREIGN: ReadonlySet<HostErrorCode> = new Set(['HOST_DENIED', 'HOST_WRONG_KIND', 'HOST_TOO_LARGE'])

export function createMemory(files: Files, onUnusable: (error: unknown) => void): Memory {
  const known = new Map<string, string>()
  return {
    at: async (places) => {
      const read = createPinnedReader(files)
      const found = await Promise.all(
        places.map(async (it) => ({ ...it, content: known.get(it.path) ?? (await leftAt(it, read, onUnusable)) })),
      )
      return found.filter(({ content }) => content !== '')
    },
    put: (written) => {
      for (const { path, content } of written) if (typeof content === 'string') known.set(path, content)
    },
    forget: (places) => {
      for (const { path } of places) known.delete(path)
    },
  }
}

async function leftAt(
  { path, secret }: Place,
  read: (path: string) => Promise<string>,
  onUnusable: (error: unknown) => void,
): Promise<string> {
  try {
    const text = await read(path)
    if (text === '') return ''
    if (secret) return isTokenText(text.trim()) || text.startsWith('-----BEGIN ') ? text : ''
    readCertificates(text)
    return text
  } catch (error) {
    if (!(error instanceof X509Error || (error instanceof HostError && FOREIGN.has(error.code)))) throw error
    onUnusable(error)
    return ''
  }
}
