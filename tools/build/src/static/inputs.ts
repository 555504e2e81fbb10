/** All that decides the bytes of a static file, as one digest. */
import { createHash, type Hash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of the crate's files, and of whatever else is told. */
export function digestOf(crate: string, others: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of globSync(['Cargo.toml', 'Cargo.lock', 'src/**/*.rs'], { cwd: crate }).sort()) add(hash, path, readFileSync(join(crate, path)))
  for (const other of others) add(hash, '', Buffer.from(other))
  return hash.digest('hex')
}

function add(hash: Hash, name: string, content: Buffer): void {
  hash.update(`${name}\0${content.length}\0`)
  hash.update(content)
}
