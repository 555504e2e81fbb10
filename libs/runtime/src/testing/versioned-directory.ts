import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@pallas/host/testing'

/** Files of versions, and the time by which whoever watches them looks again. */
export interface VersionedDirectory extends AsyncDisposable {
  readonly dir: string
  readonly clock: FakeClock
  put(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  /** Resolves when the one watcher of this clock has looked once more. */
  looked(): Promise<void>
}

/** A directory that is removed when disposed. */
export async function versionedDirectory(files: Readonly<Record<string, string>>): Promise<VersionedDirectory> {
  const dir = await mkdtemp(join(tmpdir(), 'versions-'))
  const clock = new FakeClock()
  const put = (name: string, text: string) => writeFile(join(dir, name), text)
  for (const [name, text] of Object.entries(files)) await put(name, text)
  return {
    dir,
    clock,
    put,
    remove: (name) => rm(join(dir, name)),
    async looked() {
      await clock.advance(5_000)
      while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve))
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
