import { IdentityError } from '@pallas/identity'
import { type KeyDirectory, watchKeyFiles } from '@pallas/service'
import type { CallbackEvents } from './events.ts'
import { parsePublicKey, type PublicKey } from './public-key.ts'

export interface PublicKeysOptions extends KeyDirectory {
  readonly events: Pick<CallbackEvents, 'publicKeysLoaded' | 'publicKeyUnusable' | 'publicKeysUnreadable'>
}

/** Every published key verifies, old versions too, until its file is removed. Follows the directory. */
export interface PublicKeys extends AsyncDisposable {
  /** By `kid`; undefined for a key that is not published. Throws `SIGNING_KEY_UNAVAILABLE` when there is none. */
  readonly keyOf: (keyId: string) => PublicKey | undefined
  /** Why no document can be verified now. */
  readonly problem: () => string | undefined
}

/** A directory that cannot be listed leaves the keys as they were: being blind is no reason to deny. */
export async function openPublicKeys({ events, ...directory }: PublicKeysOptions): Promise<PublicKeys> {
  let keys: ReadonlyMap<string, PublicKey> = new Map()
  const watch = await watchKeyFiles({
    ...directory,
    onChange: (files) => {
      const usable = new Map<string, PublicKey>()
      for (const { id, text } of files) {
        const key = parsePublicKey(text)
        if (key === undefined) events.publicKeyUnusable(id)
        else usable.set(id, key)
      }
      keys = usable
      events.publicKeysLoaded(keys.size)
    },
    onFailure: (err) => events.publicKeysUnreadable(err),
  })
  return {
    keyOf(keyId) {
      if (keys.size === 0) throw new IdentityError('SIGNING_KEY_UNAVAILABLE', 'no public key is loaded')
      return keys.get(keyId)
    },
    problem: () => (keys.size === 0 ? 'no public key is loaded' : undefined),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}
