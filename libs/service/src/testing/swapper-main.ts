/** Replaces whatever appears in a directory by a symlink, as a pod may do that can write there; says how often when it is asked. */
import { readdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const [dir = '', victim = ''] = process.argv.slice(2)
const lure = join(dir, '..', 'lure')
const done = new Set<string>()

function swap(name: string): void {
  try {
    symlinkSync(victim, lure)
  } catch {
    // It is there still.
  }
  renameSync(lure, join(dir, name))
  done.add(name)
}

function look(): void {
  for (const name of readdirSync(dir)) if (!done.has(name)) swap(name)
  if (process.connected) setImmediate(look)
}

process.on('message', () => process.send?.(done.size))
look()
process.send?.(0)
