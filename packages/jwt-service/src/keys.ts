/**
 * The signing keys, files `<name>.v<N>` in one directory; the numerically newest signs, from the moment it lies there.
 *
 * A newest key that cannot be used (unreadable, weak, another kind) is never passed over in silence. At start nothing
 * signs then, so that a bad roll-out stops where someone is watching. A running service goes on with the key that
 * signed before for as long as that file is still there, and says so as an error and in a metric: one slip in a Secret
 * must not end every renewal in the cluster, and a key that had to go at once is one whose file has been removed.
 */
import { IdentityError } from '@pallas/identity'
import { type KeyDirectory, type KeyFile, watchKeyFiles } from '@pallas/service'
import type { JwtServiceEvents } from './events.ts'
import { parseSigningKey, type SigningKey } from './signing-key.ts'

export interface SigningKeysOptions extends KeyDirectory {
  readonly events: Pick<JwtServiceEvents, 'signingWith' | 'signingKeyUnusable' | 'signingKeysUnreadable'>
}

export interface SigningKeys extends AsyncDisposable {
  /** Throws `SIGNING_KEY_UNAVAILABLE`. */
  readonly newest: () => SigningKey
  /** Why nothing can be signed now. */
  readonly problem: () => string | undefined
}

export async function openSigningKeys({ events, ...directory }: SigningKeysOptions): Promise<SigningKeys> {
  let signing: SigningKey | undefined
  const watch = await watchKeyFiles({
    ...directory,
    onChange: (files) => {
      const [latest] = files
      const newest = latest && keyIn(latest)
      if (newest === undefined) events.signingKeyUnusable(latest?.id)
      else events.signingWith(newest.id)
      const stillThere = files.some(({ id }) => id === signing?.id)
      signing = newest ?? (stillThere ? signing : undefined)
    },
    onFailure: (error) => events.signingKeysUnreadable(error),
  })
  return {
    newest() {
      if (signing === undefined) throw new IdentityError('SIGNING_KEY_UNAVAILABLE', 'no signing key can be used')
      return signing
    },
    problem: () => (signing === undefined ? 'no signing key can be used' : undefined),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}

function keyIn({ id, uri, text }: KeyFile): SigningKey | undefined {
  const parsed = parseSigningKey(text)
  return parsed && { ...parsed, id, uri }
}
