/** One exchange with ZTS over the door, and what its answers mean; every call of this program goes through here. */
import { HostError, type Http, type HttpRequest, type HttpResponse, type TlsPeer } from '@pallas/host'
import { IdentityError } from '@pallas/identity'

const MAX_ANSWER_BYTES = 256 * 1024

export interface ZtsOptions {
  readonly http: Http
  /** Base URL with its version path, `https://…/zts/v1`. */
  readonly endpoint: string
  readonly timeoutMs: number
}

export interface ZtsRequest {
  readonly method: 'GET' | 'POST'
  /** Behind the base URL, already encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Who ZTS is. */
  readonly caPem: string
  /** Who asks, over mutual TLS. */
  readonly client?: TlsPeer['client']
}

export type Members = Readonly<Record<string, unknown>>

/**
 * Resolves with the members of an answer of status 200. Throws `ISSUER_DENIED` with the status in its fields, or
 * `ISSUER_UNAVAILABLE`.
 */
export type ZtsCall = (request: ZtsRequest, signal: AbortSignal) => Promise<Members>

/** Throws `TypeError` when the endpoint is no https URL. */
export function createZtsCall({ http, endpoint, timeoutMs }: ZtsOptions): ZtsCall {
  const { host, port, basePath } = placeOf(endpoint)
  return async ({ method, path, headers = {}, body, caPem, client }, signal) => {
    const to: TlsPeer = { kind: 'tls', host, port, caPem, ...(client === undefined ? {} : { client }) }
    const request: HttpRequest = {
      to,
      method,
      path: basePath + path,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    }
    try {
      return membersOf(await http.exchange(request, signal))
    } catch (error) {
      if (error instanceof HostError) throw unavailable('zts could not be reached', {}, { cause: error })
      throw error
    }
  }
}

const ENDPOINT = /^https:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?((?:\/[^?#\s]*)?)$/

function placeOf(endpoint: string) {
  const [, v6, name, port = '443', path = ''] = ENDPOINT.exec(endpoint) ?? []
  const host = v6 ?? name
  if (host === undefined) throw new TypeError('zts-endpoint must be an https url')
  return { host, port: Number(port), basePath: path.replace(/\/+$/, '') }
}

/** Whoever asks for more is asked again all the same. */
const LONGEST_WAIT_SECONDS = 3_600

function membersOf({ status, headers, body }: HttpResponse): Members {
  const members = objectOf(body)
  if (status === 200) return members
  const { code, message } = members
  // A refusal is one only in the form that ZTS gives it: the page of some proxy denies nothing.
  if (status >= 400 && status < 500 && status !== 429 && code === status && isText(message)) {
    throw new IdentityError('ISSUER_DENIED', 'zts refused', { status, detail: message.slice(0, 300) })
  }
  const seconds = /^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0]
  const wait = seconds === undefined ? {} : { retryAfterMs: Math.min(Number(seconds), LONGEST_WAIT_SECONDS) * 1_000 }
  throw unavailable('zts does not answer this now', { status }, wait)
}

function objectOf(json: string): Members {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** A text that an answer must have. */
export function textIn(members: Members, name: string): string {
  const value = members[name]
  if (isText(value)) return value
  throw unavailable('zts answered without what was asked for', { name })
}

interface Rest {
  readonly cause?: unknown
  readonly retryAfterMs?: number
}

export const unavailable = (message: string, fields: Record<string, unknown>, rest: Rest = {}): IdentityError =>
  new IdentityError('ISSUER_UNAVAILABLE', message, fields, rest)

/** What passes by itself while a domain, a service or a key is still on its way to this ZTS. */
export const mayBeReplicating = (error: unknown): boolean =>
  error instanceof IdentityError && error.code === 'ISSUER_DENIED' && error.fields['status'] !== 403
