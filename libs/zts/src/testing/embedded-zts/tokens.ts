/** N-tokens: those that services sign and this ZTS takes, and those it signs itself (spec `zts.md` 9). */
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { buildNToken, type NToken, verifyNToken } from '@pallas/identity'
import type { Clock } from '@pallas/runtime'
import { nodeKey } from '@pallas/x509/testing'
import { own, serviceIn, splitName, type ZtsWorld } from './world.ts'

/** Undefined for a token that is of no use, whatever the reason. */
export type TokenCheck = (token: string) => Promise<{ readonly name: string; readonly keyId: string } | undefined>

export interface ServiceTokens {
  readonly check: TokenCheck
  /** A token for `<domain>.<service>`, signed by this ZTS. */
  issue(name: string): Promise<string>
  /** The key that signs; without `rfc` its curve has the name that Java gives it. */
  publicJwk(options: { readonly rfc: boolean }): object
}

const LIFE_SECONDS = 86_400
const KEY_ID = '0'

export function createServiceTokens({ world, clock }: { world: ZtsWorld; clock: Pick<Clock, 'now'> }): ServiceTokens {
  const key = nodeKey()
  const nowSeconds = () => Math.floor(clock.now() / 1_000)

  function keyFor({ claims }: NToken): KeyObject | undefined {
    if (claims.keyService === 'zts') return createPublicKey(key.object)
    if (claims.keyService === 'zms') return undefined
    const pem = own(serviceIn(world, `${claims.domain}.${claims.service}`)?.publicKeys, claims.keyId)
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
      const life = { salt: randomBytes(8).toString('hex'), issuedAt, expiresAt: issuedAt + LIFE_SECONDS }
      const claims = { ...splitName(name), ...life, host: 'sys.auth.zts', keyId: KEY_ID, keyService: 'zts' } as const
      return buildNToken(claims, (data) => key.sign(data))
    },
    publicJwk({ rfc }) {
      const jwk = createPublicKey(key.object).export({ format: 'jwk' })
      return { ...jwk, ...(rfc ? {} : { crv: 'prime256v1' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }
    },
  }
}
