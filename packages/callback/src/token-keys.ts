/**
 * The keys that sign service account tokens, as the API server publishes them: with them a forged token costs one
 * verification and no share of anybody's. They decide what is worth asking; what counts is the API server's word.
 */
import { IdentityError } from '@pallas/identity'
import type { TokenKey } from '@pallas/kubernetes'
import { boundInFlight } from '@pallas/service'
import type { CompactJws } from './compact-jws.ts'
import type { TokenKeyEvents } from './events.ts'
import { isSignedWith } from './token-signature.ts'

export interface TokenKeysOptions {
  readonly read: (signal: AbortSignal) => Promise<readonly TokenKey[]>
  readonly clock: { monotonic(): number }
  readonly events: TokenKeyEvents
}

/** `unknown`: the key is not among those that are known, and the API server does not say which there are. */
export type Signature = 'good' | 'forged' | 'unknown'

export interface TokenKeys extends AsyncDisposable {
  /** Throws `BUSY` for a key that is new, until it may be asked for. */
  readonly signatureOf: (jws: CompactJws) => Promise<Signature>
}

/** Between two readings, whatever is shown in between; a key that is new is known after this. */
const PAUSE_MS = 10_000
/** As long as API servers promise to keep a key published before they sign with it, at the least. */
const GROWN_OLD_MS = 10 * 60_000
const MOST_WAITING = 64

/** Begins to read them at once, and waits for nothing. */
export function openTokenKeys({ read, clock, events }: TokenKeysOptions): TokenKeys {
  const closing = new AbortController()
  const waiting = boundInFlight(MOST_WAITING)
  let keys: readonly TokenKey[] = []
  let isFailing = false
  let readAt = -Infinity
  let reading: Promise<void> | undefined

  async function readNow(): Promise<void> {
    try {
      keys = await read(closing.signal)
      isFailing = false
      events.tokenKeysLoaded(keys.length)
    } catch (error) {
      if (closing.signal.aborted) return
      isFailing = true
      events.tokenKeysUnreadable(error)
    } finally {
      reading = undefined
    }
  }
  const sinceRead = (): number => clock.monotonic() - readAt
  const refresh = (): void => {
    if (reading !== undefined || sinceRead() < PAUSE_MS || closing.signal.aborted) return
    readAt = clock.monotonic()
    reading = readNow()
  }
  const named = (id: unknown): readonly TokenKey[] => keys.filter((key) => key.id === id)

  /** While they cannot be had nobody waits for another try: it goes on beside. */
  async function learn(): Promise<void> {
    refresh()
    if (isFailing) return
    if (reading === undefined) throw new IdentityError('BUSY', 'the keys of tokens were read lately', {}, { retryAfterMs: PAUSE_MS - sinceRead() })
    await waiting(() => reading ?? Promise.resolve())
  }

  refresh()
  return {
    async signatureOf(jws) {
      const id = jws.header.get('kid')
      if (sinceRead() >= (isFailing ? PAUSE_MS : GROWN_OLD_MS)) refresh()
      if (named(id).length === 0) await learn()
      const known = named(id)
      if (known.length === 0 && isFailing) return 'unknown'
      return known.some((key) => isSignedWith(key, jws)) ? 'good' : 'forged'
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await reading
    },
  }
}
