import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@pallas/host'
import { againAndAgain } from './again-and-again.ts'
import { readBounded } from './read-bounded.ts'

export interface VersionedFilesOptions {
  readonly dir: string
  /** Undefined for a file of another kind, which is then not looked at: `..data` of a Secret mount, for one. */
  readonly versionOf: (fileName: string) => number | undefined
  readonly maxBytes: number
}

export interface VersionedFile {
  readonly fileName: string
  readonly version: number
  /** Undefined when the file cannot be read, or is longer than `maxBytes`. */
  readonly text: string | undefined
}

/** The versions of something that lies in one directory, newest first by number. Rejects when it cannot be listed. */
export async function readVersionedFiles(options: VersionedFilesOptions): Promise<readonly VersionedFile[]> {
  const { dir, versionOf, maxBytes } = options
  const found = (await readdir(dir)).flatMap((fileName) => {
    const version = versionOf(fileName)
    return version === undefined ? [] : [{ fileName, version }]
  })
  found.sort((a, b) => b.version - a.version)
  const textOf = (path: string) => readBounded(path, maxBytes).catch(() => undefined)
  return Promise.all(found.map(async (it) => ({ ...it, text: await textOf(join(dir, it.fileName)) })))
}

export interface WatchVersionedFilesOptions extends VersionedFilesOptions {
  readonly clock: Pick<Clock, 'sleep'>
  /** How often to look. */
  readonly pollMs?: number
  /** Told of the first state before the watch is open, then of each other one. Must not throw. */
  readonly onChange: (files: readonly VersionedFile[]) => void
  /** Told once when the directory can no longer be listed, or not from the start; the last state told stands. */
  readonly onFailure: (error: unknown) => void
}

/** Looks again and again rather than waiting for events: sees every kind of replacement, on every kind of file system. */
export async function watchVersionedFiles(options: WatchVersionedFilesOptions): Promise<AsyncDisposable> {
  const { clock, pollMs = 5_000, onChange, onFailure } = options
  let seen = ''

  const look = async (): Promise<void> => {
    const { state, tell } = await readVersionedFiles(options).then(
      (files) => ({ state: digestOf(files), tell: () => onChange(files) }),
      (error: unknown) => ({ state: 'failed', tell: () => onFailure(error) }),
    )
    if (state !== seen) tell()
    seen = state
  }

  await look()
  return againAndAgain({ clock, pauseMs: () => pollMs, work: look, begin: 'pausing' })
}

/** The texts may be private keys: only a digest of them is kept. */
const digestOf = (files: readonly VersionedFile[]): string =>
  createHash('sha256').update(JSON.stringify(files)).digest('base64url')
