/** The files of the keys of documents, private or public: `<name>.v<N>` in one directory, which is followed. */
import { formatKeyId, formatKeyUri, keyVersionIn } from '@pallas/identity'
import { type Clock, type VersionedFile, watchVersionedFiles } from '@pallas/runtime'

export interface KeyDirectory {
  readonly dir: string
  /** Files `<name>.v<N>` are keys; every other name is not looked at. */
  readonly name: string
  readonly clock: Pick<Clock, 'sleep'>
}

export interface KeyFile {
  /** `kid`: `<name>.v<N>`. */
  readonly id: string
  /** The same key in the original's words: `secret:<name>?version=v<N>`. */
  readonly uri: string
  /** PEM; empty when the file cannot be read, or is too long for a key. */
  readonly text: string
}

export interface KeyFilesOptions extends KeyDirectory {
  /** Told of all files, newest first by number: before this is open, and whenever they are others. Must not throw. */
  readonly onChange: (files: readonly KeyFile[]) => void
  /** Told once when the directory can no longer be listed; what was told last stands. */
  readonly onFailure: (error: unknown) => void
}

const LONGEST_PEM = 32 * 1024

export function watchKeyFiles({ dir, name, clock, onChange, onFailure }: KeyFilesOptions): Promise<AsyncDisposable> {
  const keyFileOf = ({ version, text = '' }: VersionedFile): KeyFile => ({
    id: formatKeyId({ name, version }),
    uri: formatKeyUri({ name, version }),
    text,
  })
  return watchVersionedFiles({
    dir,
    clock,
    maxBytes: LONGEST_PEM,
    versionOf: (fileName) => keyVersionIn(fileName, name),
    onChange: (files) => onChange(files.map(keyFileOf)),
    onFailure,
  })
}
