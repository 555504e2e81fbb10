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
  /\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g,
  /\bv=[SUZ]1;\S+/g,
  // Base64 of more than any digest has.
  /[A-Za-z0-9+/_-]{129,}={0,2}/g,
]

const withoutSecrets = (text: string): string =>
  SECRETS.reduce((rest, secret) => rest.replace(secret, '[secret]'), text)
