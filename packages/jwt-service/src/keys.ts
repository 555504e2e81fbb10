/**
 * The signing keys, files `<name>.v<N>` in one directory; the numerically newest signs, from the moment it lies there.
 *
 * A newest key that cannot be used (unreadable, weak, another kind) is never passed over in silence. At start nothing
 * signs then, so that a bad roll-out stops where someone is watching. A running service goes on with the key that
 * signed before for as long as that file is still there, and says so as an error and in a metric: one slip in a Secret
 * must not end every renewal in the cluster, and a key that had to go at once is one whose file has been removed.
 */
import { formatKeyId, formatKeyUri, IdentityError, keyVersionIn } from '@pallas/identity'
import { type Clock, type VersionedFile, watchVersionedFiles } from '@pallas/runtime'
import type { JwtServiceEvents } from './events.ts'
import { parseSigningKey, type SigningKey } from './signing-key.ts'

export interface SigningKeysOptions {
  readonly dir: string
  /** Files `<name>.v<N>` are keys; every other name is not looked at. */
  readonly name: string
  readonly clock: Pick<Clock, 'sleep'>
  readonly events: Pick<JwtServiceEvents, 'signingWith' | 'signingKeyUnusable' | 'signingKeysUnreadable'>
}

export interface SigningKeys extends AsyncDisposable {
  /** Throws `SIGNING_KEY_UNAVAILABLE`. */
  readonly newest: () => SigningKey
  /** Why nothing can be signed now. */
  readonly problem: () => string | undefined
}

const LONGEST_PEM = 32 * 1024

export async function openSigningKeys({ dir, name, clock, events }: SigningKeysOptions): Promise<SigningKeys> {
  let signing: SigningKey | undefined
  const watch = await watchVersionedFiles({
    dir,
    clock,
    maxBytes: LONGEST_PEM,
    versionOf: (fileName) => keyVersionIn(fileName, name),
    onChange: (files) => {
      const [latest] = files
      const newest = latest && keyIn(latest, name)
      const idOf = ({ version }: VersionedFile): string => formatKeyId({ name, version })
      if (newest === undefined) events.signingKeyUnusable(latest && idOf(latest))
      else events.signingWith(newest.id)
      const stillThere = files.some((file) => idOf(file) === signing?.id)
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

function keyIn({ version, text = '' }: VersionedFile, name: string): SigningKey | undefined {
  const parsed = parseSigningKey(text)
  return parsed && { ...parsed, id: formatKeyId({ name, version }), uri: formatKeyUri({ name, version }) }
}
