/** What the flows of a ZTS are made of, and what each of them is given. */
import type { Answer } from './answer.ts'
import type { CallFacts, Caller } from './calls.ts'
import type { Issuer } from './issuer.ts'
import type { Principal } from './principal.ts'
import type { AskProvider } from './provider/provider-call.ts'
import type { CertificateRecords } from './instances/records.ts'
import type { SigningKey } from './signing-key.ts'
import type { PublicKeyOf, ServiceTokens } from './tokens.ts'
import type { ZtsWorld } from './world.ts'

export interface ZtsParts {
  readonly world: ZtsWorld
  readonly records: CertificateRecords
  readonly issuer: Issuer
  readonly tokens: ServiceTokens
  readonly publicKeyOf: PublicKeyOf
  /** Signs whatever this ZTS says of others. */
  readonly key: SigningKey
  readonly ask: AskProvider
  /** Wall clock of this ZTS, epoch milliseconds. */
  readonly now: () => number
  readonly monotonic: () => number
}

/** One call that got as far as a resource. */
export interface Inbound {
  /** Parts of the path that the route leaves open, decoded. */
  readonly params: readonly string[]
  readonly query: URLSearchParams
  readonly body: string
  readonly principal: Principal | undefined
  readonly caller: Caller
  /** `https://<host>:<port>` as the caller wrote it. */
  readonly origin: string
  /** To be filled in. */
  readonly facts: CallFacts
}

export type Flow = (parts: ZtsParts, inbound: Inbound) => Promise<Answer>
