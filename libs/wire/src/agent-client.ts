/** The identity agent as a pod sees it, over the door's HTTP. */
import type { Http, HttpPeer, HttpResponse } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import {
  AGENT_ROUTES,
  type Credentials,
  formatKeyWish,
  type KeyWish,
  type NamesAnswer,
  type Pair,
  parseCredentialsAnswer,
  parseNamesAnswer,
} from './agent-api.ts'
import { refusalOf } from './error-body.ts'
import type { Handle } from './volume-layout.ts'

export interface AgentClientOptions {
  readonly http: Http
  /** The agent's socket, or where a host offers it over TCP. */
  readonly to: HttpPeer
  /** For each exchange; the agent asks ZTS meanwhile. */
  readonly timeoutMs: number
}

/**
 * Each call rejects with `IdentityError`: the agent's reason when it gave one; `AGENT_UNAVAILABLE` when it cannot be
 * reached, or when what answers is not an agent. An abort rejects with the signal's reason.
 */
export interface AgentClient {
  /** What a CSR must ask for. Waits at the agent until the pod has an address. */
  names(handle: Handle, signal?: AbortSignal): Promise<NamesAnswer>
  /** The first credentials: for the key that signed `csr` (PEM), or without one for a key that the agent makes. */
  init(handle: Handle, csr?: string, signal?: AbortSignal): Promise<Credentials>
  /** The next ones: for the key that signed the CSR, or for a new key in exchange for the pair in use. */
  refresh(handle: Handle, by: string | Pair, signal?: AbortSignal): Promise<Credentials>
}

const MAX_ANSWER = 1_048_576

export function createAgentClient({ http, to, timeoutMs }: AgentClientOptions): AgentClient {
  async function call(path: string, body: string | undefined, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const method = body === undefined ? 'GET' : 'POST'
    const content = body === undefined || body === '' ? {} : { body, headers: { 'content-type': 'application/json' } }
    try {
      return await http.exchange({ to, method, path, ...content, timeoutMs, maxBytes: MAX_ANSWER }, signal)
    } catch (cause) {
      signal?.throwIfAborted()
      throw new IdentityError('AGENT_UNAVAILABLE', 'the identity agent does not answer', {}, { cause })
    }
  }

  return {
    names: (handle, signal) => answerOf(call(AGENT_ROUTES.names + handle, undefined, signal), parseNamesAnswer),
    init: (handle, csr, signal) => {
      const body = formatKeyWish(csr === undefined ? { origin: 'agent', previous: undefined } : wishOf(csr))
      return answerOf(call(AGENT_ROUTES.init + handle, body, signal), parseCredentialsAnswer)
    },
    refresh: (handle, by, signal) =>
      answerOf(call(AGENT_ROUTES.refresh + handle, formatKeyWish(wishOf(by)), signal), parseCredentialsAnswer),
  }
}

async function answerOf<T>(call: Promise<HttpResponse>, read: (body: string) => T): Promise<T> {
  const response = await call
  if (response.status !== 200) throw refusalOf(response, 'AGENT_UNAVAILABLE')
  try {
    return read(response.body)
  } catch (cause) {
    throw new IdentityError('AGENT_UNAVAILABLE', 'what answers is not an identity agent', {}, { cause })
  }
}

const wishOf = (by: string | Pair): KeyWish =>
  typeof by === 'string' ? { origin: 'pod', csr: by } : { origin: 'agent', previous: by }
