import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestCa } from '@pallas/x509/testing'

export interface TlsDirectory extends AsyncDisposable {
  readonly dir: string
  readonly keyFile: string
  readonly certFile: string
  readonly caFile: string
  /** Puts another pair in place, each file by rename. */
  replace(pair: { readonly keyPem: string; readonly certPem: string }): Promise<void>
  replaceCa(caPem: string): Promise<void>
}

/** A key, its certificate and a root as files, in a directory that is removed when disposed. */
export async function tlsDirectory(ca: TestCa, issue: Parameters<TestCa['issue']>[0]): Promise<TlsDirectory> {
  const dir = await mkdtemp(join(tmpdir(), 'tls-'))
  const [keyFile, certFile, caFile] = ['key.pem', 'cert.pem', 'ca.pem'].map((name) => join(dir, name)) as [string, string, string]
  const replace: TlsDirectory['replace'] = async ({ keyPem, certPem }) => {
    await put(keyFile, keyPem)
    await put(certFile, certPem)
  }
  await replace(await ca.issue(issue))
  await put(caFile, ca.certPem)
  return {
    dir,
    keyFile,
    certFile,
    caFile,
    replace,
    replaceCa: (pem) => put(caFile, pem),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

async function put(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
