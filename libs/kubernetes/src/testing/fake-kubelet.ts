/** A kubelet that only lists pods: TLS, bearer tokens, and the refusals of a real one. */
import type { ServerResponse } from 'node:http'
import type { Pod } from '@pallas/identity'
import type { ServerCredentials } from './embedded-api-server/index.ts'
import { podObjectOf } from './pod-objects.ts'
import { serveHttps } from './serve-https.ts'

export interface FakeKubeletOptions {
  readonly serverCredentials: ServerCredentials
  /** Tokens of callers that have `nodes/pods`. */
  readonly readers: readonly string[]
  /** Tokens of callers that are known and have no rights. */
  readonly others?: readonly string[]
  readonly pods?: readonly Pod[]
}

export interface FakeKubelet extends AsyncDisposable {
  readonly url: string
  readonly caPem: string
  /** What it lists from now on. */
  setPods(pods: readonly Pod[]): void
  /** How often `/pods` was asked for. */
  calls(): number
  /** Answers no more, until told otherwise. */
  hang(on: boolean): void
}

export async function startFakeKubelet(options: FakeKubeletOptions): Promise<FakeKubelet> {
  const { serverCredentials, readers, others = [] } = options
  let pods = options.pods ?? []
  let calls = 0
  let hanging = false
  const server = await serveHttps(serverCredentials, (request, response) => {
    if (request.url !== '/pods') return refuse(response, 404, 'page not found')
    calls++
    if (hanging) return undefined
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    if (!readers.includes(token) && !others.includes(token)) return refuse(response, 401, 'Unauthorized')
    if (!readers.includes(token)) return refuse(response, 403, FORBIDDEN)
    response.setHeader('content-type', 'application/json')
    const items = pods.length === 0 ? null : pods.map(podObjectOf)
    return response.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }))
  })
  return {
    url: server.url,
    caPem: serverCredentials.caPem,
    setPods: (next) => {
      pods = next
    },
    calls: () => calls,
    hang: (on) => {
      hanging = on
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const FORBIDDEN = 'Forbidden (user=other, verb=get, resource=nodes, subresource(s)=[pods proxy])'

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}
