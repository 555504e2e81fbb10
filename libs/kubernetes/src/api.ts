/** The API server as the suite uses it, and the real client behind it. */
import { KubernetesError } from './error.ts'
import { createHttps, type HttpsRequest } from './https.ts'
import { isObject, parseJson } from './json.ts'
import { errorOfRefusal } from './status.ts'
import { parseHttpDate } from './times.ts'
import { type TokenSource, withBearer } from './token.ts'
import { type KubeObject, kubeObjectOf, parseWatchEvent, type WatchEvent } from './watch-events.ts'
import { splitLines } from './watch-lines.ts'

/** Paths come from `pathOf`. Every failure is a `KubernetesError`, but an abort throws the signal's reason. */
export interface KubeApi {
  get(path: string, signal?: AbortSignal): Promise<KubeObject>
  /** What is no object: any JSON, of the media types and at most of the length that are said. */
  read(path: string, wanted: ReadOptions, signal?: AbortSignal): Promise<unknown>
  /** One page. */
  list(path: string, query?: ListQuery, signal?: AbortSignal): Promise<KubeList>
  /** Sent once: after a `KUBE_TIMEOUT` or `KUBE_UNREACHABLE` nobody knows whether it happened. */
  create(path: string, object: object, signal?: AbortSignal): Promise<KubeObject>
  /** Replaces the object; with `metadata.resourceVersion` in it, only that version (`KUBE_CONFLICT` otherwise). */
  replace(path: string, object: object, signal?: AbortSignal): Promise<KubeObject>
  patch(path: string, patch: KubePatch, signal?: AbortSignal): Promise<KubeObject>
  /** `KUBE_CONFLICT` when a precondition does not hold. */
  delete(path: string, options?: DeleteOptions, signal?: AbortSignal): Promise<void>
  /** Events after `resourceVersion`; ends when the server ends it, within `timeoutSeconds`. `KUBE_GONE`: list anew. */
  watch(path: string, query: WatchQuery, signal?: AbortSignal): AsyncIterable<WatchEvent>
}

export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** The selectors alone, of options that hold more. */
export const selectorsOf = ({ labelSelector, fieldSelector }: Selectors): Selectors => ({
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
})

export interface ReadOptions {
  /** Value of the header. Some of what an API server serves it has in one media type only. */
  readonly accept: string
  readonly maxBytes: number
}

export interface ListQuery extends Selectors {
  /** Longest page. */
  readonly limit?: number
  /** From the page before. */
  readonly continue?: string
}

export interface WatchQuery extends Selectors {
  readonly resourceVersion: string
  readonly timeoutSeconds: number
}

export interface KubeList {
  readonly items: readonly KubeObject[]
  /** Version of the whole list: where a watch goes on. */
  readonly resourceVersion: string
  /** Set when there are more pages. */
  readonly continue: string | undefined
}

export type KubePatch =
  { readonly kind: 'merge'; readonly patch: object } | { readonly kind: 'json'; readonly patch: readonly object[] }

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly uid?: string
  readonly resourceVersion?: string
}

export interface KubeApiOptions {
  /** `https:`; a path in it is kept as prefix. */
  readonly server: URL
  /** PEM roots of the server's certificate. */
  readonly ca: string
  readonly token: TokenSource
  /** Name that the server's certificate must have, when it is not the URL's host. */
  readonly serverName?: string
  /** For each call; of a watch, for its beginning. */
  readonly timeoutMs?: number
  /** Longest answer; and longest event of a watch. */
  readonly maxBytes?: number
  /** How long after its `timeoutSeconds` a watch that does not end counts as stalled (`KUBE_TIMEOUT`). */
  readonly watchGraceMs?: number
  /** Told with each answer: the server's clock, epoch milliseconds, cut to the second. */
  readonly onServerTime?: (at: number) => void
}

const PATCH_TYPES = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' } as const

/** Opens connections as needed, keeps them, and closes them, watches too, when disposed. */
export function createKubeApi(options: KubeApiOptions): KubeApi & AsyncDisposable {
  const { server, token, timeoutMs = 10_000, maxBytes = 32 * 1024 * 1024, watchGraceMs = 10_000 } = options
  if (server.protocol !== 'https:')
    throw new KubernetesError('KUBE_INVALID', 'the api server is spoken to over https only')
  const https = createHttps(options)

  async function call(
    request: Pick<HttpsRequest, 'method' | 'path'>,
    type: string,
    body: unknown,
    signal?: AbortSignal,
    { accept, maxBytes: most }: ReadOptions = { accept: JSON_TYPE, maxBytes },
  ) {
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = { accept, ...(body === undefined ? {} : { 'content-type': type }) }
    const answer = await withBearer(token, (authorization) =>
      https.send({ ...request, headers: { ...headers, authorization }, ...content, timeoutMs }, most, signal),
    )
    const at = answer.date === undefined ? undefined : parseHttpDate(answer.date)
    if (at !== undefined) options.onServerTime?.(at)
    if (answer.status < 200 || answer.status > 299) throw errorOfRefusal(answer)
    return parseJson(answer.body)
  }

  const object = async (method: HttpsRequest['method'], path: string, body: unknown, signal?: AbortSignal, type = JSON_TYPE) =>
    kubeObjectOf(await call({ method, path }, type, body, signal)) ?? bad('the answer is not an object with metadata')

  async function* watch(path: string, query: WatchQuery, signal?: AbortSignal) {
    const deadlineMs = query.timeoutSeconds * 1_000 + watchGraceMs
    const search = queryOf({ ...query, watch: true, allowWatchBookmarks: true })
    const headers = { accept: 'application/json' }
    const request = { method: 'GET', path: path + search, timeoutMs: deadlineMs, headTimeoutMs: timeoutMs } as const
    const stream = await withBearer(token, (authorization) =>
      https.open({ ...request, headers: { ...headers, authorization } }, signal),
    )
    if (stream.status !== 200) throw await refusalOf(stream)
    for await (const line of splitLines(stream.chunks, maxBytes)) {
      if (line.trim() !== '') yield parseWatchEvent(line)
    }
  }

  return {
    get: (path, signal) => object('GET', path, undefined, signal),
    read: (path, wanted, signal) => call({ method: 'GET', path }, JSON_TYPE, undefined, signal, wanted),
    list: async (path, query = {}, signal) =>
      listOf(await call({ method: 'GET', path: path + queryOf({ ...query }) }, JSON_TYPE, undefined, signal)),
    create: (path, body, signal) => object('POST', path, body, signal),
    replace: (path, body, signal) => object('PUT', path, body, signal),
    patch: (path, { kind, patch }, signal) => object('PATCH', path, patch, signal, PATCH_TYPES[kind]),
    delete: async (path, how = {}, signal) => {
      await call({ method: 'DELETE', path }, JSON_TYPE, deleteOptionsOf(how), signal)
    },
    watch,
    [Symbol.asyncDispose]: () => https[Symbol.asyncDispose](),
  }
}

const JSON_TYPE = 'application/json'
const REFUSAL_LIMIT_BYTES = 64 * 1024

async function refusalOf(stream: {
  status: number
  retryAfter: string | undefined
  chunks: AsyncIterable<Uint8Array>
}) {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream.chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length > REFUSAL_LIMIT_BYTES) break
  }
  return errorOfRefusal({ ...stream, body: Buffer.concat(parts).toString('utf8') })
}

function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return present.length === 0
    ? ''
    : `?${new URLSearchParams(present.map(([key, value]) => [key, String(value)])).toString()}`
}

function deleteOptionsOf({ gracePeriodSeconds, uid, resourceVersion }: DeleteOptions): object {
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
  }
}

/** `items` is null for none, in Go's encoding. */
function listOf(value: unknown): KubeList {
  const list = kubeObjectOf(value) ?? bad('the answer is not a list')
  const { resourceVersion, continue: more } = list.metadata
  const items: unknown = list['items'] ?? []
  if (!Array.isArray(items) || typeof resourceVersion !== 'string') return bad('the answer is not a list')
  return {
    items: items.map(
      (item: unknown) => (isObject(item) ? kubeObjectOf(item) : undefined) ?? bad('a list holds no object'),
    ),
    resourceVersion,
    continue: typeof more === 'string' && more !== '' ? more : undefined,
  }
}

function bad(message: string): never {
  throw new KubernetesError('KUBE_BAD_ANSWER', message)
}
