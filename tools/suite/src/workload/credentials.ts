/** How an application reads its identity: pin `..data` first, then every file through it, so that all are of one generation. */
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

export interface Credentials {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

/** `certName`: a role's certificate is for the same key. */
export function readCredentials(dir: string, certName = 'service.cert'): Credentials {
  const generation = join(dir, readlinkSync(join(dir, '..data')))
  const read = (name: string) => readFileSync(join(generation, name), 'utf8')
  return { key: read('service.key'), cert: read(certName), ca: read('cacert.pem') }
}
