/**
 * `context.json` of a volume: what must be remembered of an identity over a restart. Readers see all of it or the one
 * before. It is not forced to disk: whatever a power loss leaves of it, the worst is one register instead of a refresh.
 */
import { constants } from 'node:fs'
import { open, rename, rm, unlink } from 'node:fs/promises'
import { formatVolumeContext, parseVolumeContext, type VolumeContext } from '@pallas/wire'
import type { Volume } from './volume-trust.ts'

export interface Contexts {
  /** Undefined when no identity is on record, or the record cannot be read: then everything starts anew. */
  read(volume: Volume): Promise<VolumeContext | undefined>
  /**
   * The latest of several records, by when they were written and by their certificates alike. Undefined where the two do not
   * agree: then nobody can say, and everything starts anew.
   */
  newest(volumes: readonly Volume[]): Promise<VolumeContext | undefined>
  /** Never makes a directory: a volume that has gone stays gone, and the promise rejects. */
  write(volume: Volume, context: VolumeContext): Promise<void>
  /** Takes away what is on record, and what was being written; there may be nothing. */
  wipe(volume: Volume): Promise<void>
}

const LIMIT = 64 * 1_024

interface DatedContext {
  readonly context: VolumeContext
  readonly writtenNs: bigint
}

async function readDated({ paths }: Volume): Promise<DatedContext | undefined> {
  try {
    await using file = await open(paths.context, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile() || stats.size > LIMIT) return undefined
    const context = parseVolumeContext(await file.readFile('utf8'))
    return context === undefined ? undefined : { context, writtenNs: stats.mtimeNs }
  } catch {
    return undefined
  }
}

export const fileContexts: Contexts = {
  read: async (volume) => (await readDated(volume))?.context,

  async newest(volumes) {
    const records = (await Promise.all(volumes.map(readDated))).filter((it) => it !== undefined)
    const [latest, ...others] = records.sort((one, other) => (one.writtenNs > other.writtenNs ? -1 : 1))
    if (latest === undefined) return undefined
    const isLater = ({ writtenNs, context }: DatedContext) =>
      writtenNs < latest.writtenNs && context.notAfter <= latest.context.notAfter
    return others.every(isLater) ? latest.context : undefined
  },

  async write({ paths }, context) {
    const draft = `${paths.context}.new`
    await unlink(draft).catch(() => undefined)
    try {
      await using file = await open(draft, 'wx', 0o600)
      await file.writeFile(formatVolumeContext(context))
    } catch (error) {
      await unlink(draft).catch(() => undefined)
      throw error
    }
    await rename(draft, paths.context)
  },

  async wipe({ paths }) {
    for (const path of [paths.context, `${paths.context}.new`]) await rm(path, { force: true })
  },
}
