/** The JWT service as the agent sees it; how the exchange is made (mutual TLS, its deadline) is the caller's. */
import { IdentityError, kindOf } from '@pallas/identity'
import { refusalOf } from './error-body.ts'
import { JWT_ROUTES, jwtRequest, parseJwtAnswer, type SubjectRequest } from './jwt-api.ts'

/** One HTTP exchange with the JWT service. Rejects when there is no answer in time, or one longer than 64 KiB. */
export type JwtExchange = (
  request: {
    readonly method: 'POST'
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  },
  signal?: AbortSignal,
) => Promise<JwtExchangeAnswer>

export interface JwtExchangeAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface JwtClient {
  /**
   * A signed document. Rejects with `IdentityError`: the service's reason where it denies or cannot now,
   * `SIGNER_DENIED` for any other refusal, `SIGNER_UNAVAILABLE` for silence or nonsense. An abort rejects with the
   * signal's reason.
   */
  sign(subject: SubjectRequest, signal?: AbortSignal): Promise<string>
}

export function createJwtClient({ exchange }: { readonly exchange: JwtExchange }): JwtClient {
  async function call(subject: SubjectRequest, signal: AbortSignal | undefined): Promise<JwtExchangeAnswer> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const body = JSON.stringify(jwtRequest(subject))
    try {
      return await exchange({ method: 'POST', path: JWT_ROUTES.jwt, headers, body }, signal)
    } catch (cause) {
      signal?.throwIfAborted()
      throw new IdentityError('SIGNER_UNAVAILABLE', 'the jwt service does not answer', {}, { cause })
    }
  }

  return {
    async sign(subject, signal) {
      const answer = await call(subject, signal)
      if (answer.status !== 200) throw signerRefusal(answer)
      try {
        return parseJwtAnswer(answer.body)
      } catch (cause) {
        throw new IdentityError('SIGNER_UNAVAILABLE', 'the jwt service answered without a document', {}, { cause })
      }
    },
  }
}

/** A pod is told why it is denied or must wait; what is wrong between agent and service is not the pod's doing. */
function signerRefusal(answer: JwtExchangeAnswer): IdentityError {
  const fallback = answer.status === 429 || answer.status >= 500 ? 'SIGNER_UNAVAILABLE' : 'SIGNER_DENIED'
  const said = refusalOf(answer, fallback)
  const passes = kindOf(said.code) === 'denied' || kindOf(said.code) === 'unavailable'
  if (passes) return said
  return new IdentityError(fallback, 'the jwt service gave no document', { ...said.fields, said: said.code })
}
