import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What `openssl verify` says. */
export async function opensslVerify(certPem: string, rootsPem: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'zts-'))
  try {
    await writeFile(join(dir, 'cert.pem'), certPem)
    await writeFile(join(dir, 'roots.pem'), rootsPem)
    const files = ['-CAfile', join(dir, 'roots.pem'), join(dir, 'cert.pem')]
    return (await run('openssl', ['verify', '-x509_strict', '-purpose', 'sslclient', ...files])).stdout
  } finally {
    await rm(dir, { recursive: true })
  }
}
