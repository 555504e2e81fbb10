/** Writes the entries of a layer as files, for whoever builds images with a tool of their own. */
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LayerEntry } from './layer.ts'

/** Below `dir`, which may hold other entries already. Owners are left to whoever copies the tree. */
export async function writeTree(dir: string, entries: readonly LayerEntry[]): Promise<void> {
  for (const entry of entries) {
    const path = join(dir, entry.path)
    await mkdir(dirname(path), { recursive: true })
    if (entry.kind === 'link') await symlink(entry.target, path)
    else await put(path, entry)
  }
}

async function put(path: string, entry: Exclude<LayerEntry, { kind: 'link' }>): Promise<void> {
  switch (entry.kind) {
    case 'directory':
      await mkdir(path, { recursive: true })
      return chmod(path, entry.mode ?? 0o755)
    case 'text':
      await writeFile(path, entry.text)
      return chmod(path, entry.mode ?? 0o644)
    case 'file':
      await copyFile(entry.from, path)
      return chmod(path, entry.mode ?? 0o755)
  }
}
