/**
 * Key and certificate of the agent on disk: a directory for each pair, and `current`, which names the one that counts.
 * Hence a crash at whatever step leaves the old pair or the new one.
 */
import type { Files } from '@pallas/host'
import type { OwnCredentials } from './obtain.ts'

export interface OwnFiles {
  readonly keyFile: string
  readonly certFile: string
  /** Puts a pair in place of the one before. */
  save(pair: Pick<OwnCredentials, 'keyPem' | 'certPem' | 'leaf'>): Promise<void>
}

const KEY = 'service.key'
const CERT = 'service.cert'
/** Names of the directories of pairs begin so; nothing else in the directory is touched. */
const PAIR = /^pair-[0-9A-F]+-\d+$/

export interface OwnFilesDeps {
  readonly files: Files
  readonly clock: { now(): number }
}

export function createOwnFiles(dir: string, { files, clock }: OwnFilesDeps): OwnFiles {
  const current = `${dir}/current`

  async function sweep(keep: string): Promise<void> {
    for (const name of await files.list(dir)) if (PAIR.test(name) && name !== keep) await files.discard(`${dir}/${name}`)
  }

  return {
    keyFile: `${current}/${KEY}`,
    certFile: `${current}/${CERT}`,
    async save({ keyPem, certPem, leaf }) {
      const pair = `pair-${leaf.serial}-${clock.now()}`
      await files.mkdirs(dir, 0o700)
      await files.mkdir(`${dir}/${pair}`, 0o700)
      await files.create(`${dir}/${pair}/${KEY}`, bytesOf(keyPem), 0o600)
      await files.create(`${dir}/${pair}/${CERT}`, bytesOf(certPem), 0o600)
      await files.syncDirectory(`${dir}/${pair}`)
      const next = `${dir}/.current`
      await files.unlink(next)
      await files.symlink(pair, next)
      await files.rename(next, current)
      await files.syncDirectory(dir)
      await sweep(pair)
    },
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
