/**
 * One layer of an image: a tar archive, not compressed, whose entries are sorted and whose missing parents are made, so
 * that the same content is the same layer whoever lists it in whatever order.
 */
import { dirname } from 'node:path'
import { ImagesError } from './error.ts'
import { type Descriptor, openTar, type TarWriter } from './tar-writer.ts'

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/** One entry of a layer. `path` has no leading slash. */
export type LayerEntry =
  | ({ readonly kind: 'directory'; readonly path: string; readonly mode?: number } & Owner)
  | ({ readonly kind: 'file'; readonly path: string; readonly from: string; readonly mode?: number } & Owner)
  | ({ readonly kind: 'text'; readonly path: string; readonly text: string; readonly mode?: number } & Owner)
  | ({ readonly kind: 'link'; readonly path: string; readonly target: string } & Owner)

/** A layer that lies in a file, to be put into as many archives as want it. */
export interface Layer extends Descriptor {
  readonly file: string
}

/** Writes the layer to `file`. Throws `IMAGES_BAD_ENTRY`, `IMAGES_FILE_MISSING` or `IMAGES_FILE_CHANGED`. */
export async function writeLayer(file: string, entries: readonly LayerEntry[]): Promise<Layer> {
  await using tar = await openTar(file)
  for (const entry of complete(entries)) await put(tar, entry)
  return { file, ...(await tar.end()) }
}

/** Sorted by their paths' code units: a parent comes before what it holds. */
function complete(entries: readonly LayerEntry[]): LayerEntry[] {
  const byPath = new Map<string, LayerEntry>()
  for (const entry of entries) {
    checkPath(entry.path)
    if (byPath.has(entry.path)) throw bad(entry.path, 'an image would hold the same path twice')
    byPath.set(entry.path, entry)
  }
  for (const { path } of entries) {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) {
      const parent = byPath.get(at) ?? { kind: 'directory', path: at }
      if (parent.kind !== 'directory') throw bad(path, 'a path of an image lies below something that is no directory')
      byPath.set(at, parent)
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function checkPath(path: string): void {
  const parts = path.split('/')
  const canonical = parts.every((part) => part !== '' && part !== '.' && part !== '..') && !path.includes('\0')
  if (!canonical) throw bad(path, 'a path of an image must be relative and canonical')
}

const bad = (path: string, message: string): ImagesError => new ImagesError('IMAGES_BAD_ENTRY', message, { path })

async function put(tar: TarWriter, entry: LayerEntry): Promise<void> {
  const { path, uid = 0, gid = 0 } = entry
  switch (entry.kind) {
    case 'directory':
      return tar.bare({ path: `${path}/`, type: 'directory', mode: entry.mode ?? 0o755, uid, gid })
    case 'link':
      return tar.bare({ path, type: 'link', mode: 0o777, target: entry.target, uid, gid })
    case 'text':
      return tar.bytes({ path, mode: entry.mode ?? 0o644, uid, gid }, Buffer.from(entry.text))
    case 'file':
      return tar.file({ path, mode: entry.mode ?? 0o755, uid, gid }, entry.from)
  }
}
