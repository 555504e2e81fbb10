/** What a hook prints, as far as it may be logged: its end, without what looks like a key or a token. */
import type { Readable } from 'node:stream'
import type { Clock } from '@pallas/host'

const MOST_BYTES = 2_048
/** More is kept while reading, so that a secret is not cut in two before it is looked for. */
const KEPT_BYTES = 64 * 1_024

export interface Tail {
  text(): string
  /** Waits until nothing more can come, but no longer than `mostMs`; then the streams are closed. */
  settled(clock: Clock, mostMs: number): Promise<void>
}

/** Reads to the end whatever comes, so that nobody blocks on a full pipe. */
export function keepTail(...streams: readonly Readable[]): Tail {
  let kept = Buffer.alloc(0)
  const ends = streams.map((stream) => {
    stream.on('data', (chunk: Buffer) => void (kept = Buffer.concat([kept, chunk]).subarray(-KEPT_BYTES)))
    const { promise, resolve } = Promise.withResolvers<void>()
    stream.once('close', resolve).once('error', () => resolve())
    return promise
  })
  return {
    text: () => withoutSecrets(kept.toString('utf8')).trim().slice(-MOST_BYTES),
    async settled(clock, mostMs) {
      const over = new AbortController()
      const longEnough = clock.sleep(mostMs, over.signal)
      longEnough.catch(() => {})
      await Promise.race([Promise.all(ends), longEnough])
      over.abort()
      for (const stream of streams) stream.destroy()
    },
  }
}

const SECRETS = [
  /-----BEGIN [A-Z0-9 ]*-----[\s\S]*?(-----END [A-Z0-9 ]*-----|$)/g,
  // At the beginning of a word: begun anew within each it would take the square of the time.
  /(?<![\w-])eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g,
  /\bv=[SUZ]1;\S+/g,
  // What is private in a JWK, shorter than much that is public.
  /(?<=")(?:d|p|q|dp|dq|qi|k)"\s*:\s*"[\w+/=-]*"?/g,
  // Numbers of a key as openssl prints them.
  /(?:[0-9a-fA-F]{2}:\s*){15,}(?:[0-9a-fA-F]{2})?/g,
  // Base64 of more than any digest has, and lines of it that follow each other as those of PEM do, whatever stood before.
  /[A-Za-z0-9+/_-]{129,}={0,2}/g,
  /(?<![^\s])[A-Za-z0-9+/]{48,76}\r?\n(?:[A-Za-z0-9+/]{48,76}\r?\n)*(?:[A-Za-z0-9+/]+={0,2})?(?:\r?\n-----END [A-Z0-9 ]*-----)?/g,
]

const withoutSecrets = (text: string): string =>
  SECRETS.reduce((rest, secret) => rest.replace(secret, '[secret]'), text)
