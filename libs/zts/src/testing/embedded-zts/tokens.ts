/** N-tokens: those that services sign and this ZTS takes, and those it signs itself (spec `zts.md` 9). */
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { buildNToken, type NToken, verifyNToken } from '@pallas/identity'
import type { Clock } from '@pallas/runtime'
import type { SigningKey } from './signing-key.ts'
import { splitName } from './world.ts'

/** Undefined for a token that is of no use, whatever the reason. */
export type TokenCheck = (token: string) => Promise<{ readonly name: string; readonly keyId: string } | undefined>

export interface ServiceTokens {
  readonly check: TokenCheck
  /** A token for `<domain>.<service>`, signed by this ZTS. */
  issue(name: string): Promise<string>
}

/** PEM of a key of `<domain>.<service>`, as far as this ZTS knows. */
export type PublicKeyOf = (service: string, keyId: string) => string | undefined

export interface ServiceTokensDeps {
  readonly publicKeyOf: PublicKeyOf
  readonly key: SigningKey
  readonly clock: Pick<Clock, 'now'>
}

const LIFE_SECONDS = 86_400
/** As the tokens of this ZTS name it. */
export const ZTS_HOST = 'sys.auth.zts'

export function createServiceTokens({ publicKeyOf, key, clock }: ServiceTokensDeps): ServiceTokens {
  const nowSeconds = () => Math.floor(clock.now() / 1_000)

  function keyFor({ claims }: NToken): KeyObject | undefined {
    if (claims.keyService === 'zts') return key.publicKey
    if (claims.keyService === 'zms') return undefined
    const pem = publicKeyOf(`${claims.domain}.${claims.service}`, claims.keyId)
    return pem === undefined ? undefined : createPublicKey(pem)
  }
  return {
    async check(text) {
      const verdict = await verifyNToken(text, nowSeconds(), async (token) => {
        const by = keyFor(token)
        return by !== undefined && verify('sha256', token.signedData, by, token.signature)
      })
      if (!verdict.ok) return undefined
      const { domain, service, keyId } = verdict.token.claims
      return { name: `${domain}.${service}`.toLowerCase(), keyId }
    },
    issue(name) {
      const issuedAt = nowSeconds()
      const life = { salt: newSalt(), issuedAt, expiresAt: issuedAt + LIFE_SECONDS }
      const claims = { ...splitName(name), ...life, host: ZTS_HOST, keyId: key.keyId, keyService: 'zts' } as const
      return buildNToken(claims, (data) => key.sign(data))
    },
  }
}

export const newSalt = (): string => randomBytes(8).toString('hex')
