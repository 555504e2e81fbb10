/** The other judge of what we write: the `openssl` program, files in a directory of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `openssl` where `files` lie; `out` is its output, `said` that and its messages. */
export function openssl(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>>) {
  const cwd = mkdtempSync(join(tmpdir(), 'openssl-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content)
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd, encoding: 'utf8', timeout: 20_000 })
    return { status, out: stdout, said: stdout + stderr }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}
