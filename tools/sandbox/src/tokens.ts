/** A bound ServiceAccount token for each program of the control plane, in the file where its pod would find it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EmbeddedApiServer } from '@pallas/kubernetes/testing'
import { ACCOUNTS, ADMIN_NAMESPACE, type Account } from './names.ts'

export async function writeTokens(api: EmbeddedApiServer, dir: string): Promise<(account: Account) => string> {
  const fileOf = (account: Account) => join(dir, `${account}.token`)
  for (const name of ACCOUNTS) {
    const token = await api.mintToken({ namespace: ADMIN_NAMESPACE, name, expirationSeconds: 86_400 })
    writeFileSync(fileOf(name), token, { mode: 0o600 })
  }
  return fileOf
}
