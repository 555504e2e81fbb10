import { DUE_NOW, type Renewable, renewAt } from '@pallas/credentials'
import type { Clock } from '@pallas/host'
import type { ControlFetch } from './control-fetch.ts'
import type { Output } from '../output/output.ts'

export interface TokenRenewableDeps {
  readonly clock: Clock
  readonly control: Pick<ControlFetch, 'token' | 'keyIfThere'>
  readonly output: Output
  readonly path: string
}

/** The token on disk, signed anew at about half of its life and when the version of the key changes. */
export function createTokenRenewable({ clock, control, output, path }: TokenRenewableDeps): Renewable {
  let version: string | undefined
  return {
    due: () => Promise.resolve(DUE_NOW),
    outdated: async () => {
      const owned = await control.keyIfThere()
      return owned !== undefined && owned.version !== version
    },
    renew: async () => {
      const token = await control.token()
      await output.publishToken(path, token.text)
      version = token.version
      const at = renewAt(token.life, { first: false }, clock.random())
      return { serial: version, life: token.life, at }
    },
  }
}
