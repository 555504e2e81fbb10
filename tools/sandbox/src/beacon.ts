/** Where a sandbox that is up tells its user's other commands how to reach it. */
import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Beacon {
  readonly apiServer: string
  readonly ca: string
  readonly token: string
  readonly logs: string
  readonly kubeletRoot: string
}

const path = (): string => join(tmpdir(), `pallas-sandbox-${process.getuid?.() ?? 0}.json`)

/** Readable by this user alone; replaced by the sandbox that came up last, and taken away when that one ends. */
export function lightBeacon(beacon: Beacon): Disposable {
  const text = JSON.stringify(beacon)
  rmSync(path(), { force: true })
  writeFileSync(path(), text, { mode: 0o600, flag: 'wx' })
  return {
    [Symbol.dispose]() {
      if (seen() === text) rmSync(path(), { force: true })
    },
  }
}

export function findBeacon(): Beacon | undefined {
  try {
    return JSON.parse(seen() ?? '') as Beacon
  } catch {
    return undefined
  }
}

/** Only a file of our own: the directory is everybody's. */
function seen(): string | undefined {
  try {
    const stats = lstatSync(path())
    return stats.isFile() && stats.uid === process.getuid?.() ? readFileSync(path(), 'utf8') : undefined
  } catch {
    return undefined
  }
}
