/**
 * Where cargo keeps its intermediate results: once per user, so that a clone compiles our own crate alone. What decides about
 * them and cargo does not look at is in the name: which compilers, and which crates. May be deleted whenever nothing is built.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { userCache } from '../user-cache.ts'

const run = promisify(execFile)

/** Of a crate and a Rust compiler, as it says itself what it is. */
export async function buildDirectory(crate: string, compiler: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const hash = createHash('sha256')
  for (const part of [compiler, await cCompiler(env), await readFile(join(crate, 'Cargo.lock'), 'utf8')]) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return join(userCache('cargo', env), hash.digest('hex').slice(0, 16))
}

/** Two of the crates are C. That there is no compiler is cargo's to say. */
const cCompiler = (env: NodeJS.ProcessEnv): Promise<string> =>
  run(env['CC'] || 'cc', ['--version']).then(
    ({ stdout }) => stdout,
    () => '',
  )
