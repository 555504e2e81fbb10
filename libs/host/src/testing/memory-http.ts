import type { Clock } from '../clock.ts'
import { HostError } from '../error.ts'
import type { Http, HttpPeer, HttpRequest, HttpResponse } from '../http.ts'

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>

/** `unix:/run/agent.sock`, `tcp:127.0.0.1:80`, `tls:zts.example:443`: who a handler answers for. */
export const peerName = (to: HttpPeer): string =>
  to.kind === 'unix' ? `unix:${to.socketPath}` : `${to.kind}:${to.host}:${to.port}`

/** Peers that are functions. Deadlines run on the clock of the machine; nobody is behind a name without a handler. */
export const memoryHttp = (handlers: ReadonlyMap<string, HttpHandler>, clock: Clock): Http => ({
  exchange: async (request, signal) => {
    signal?.throwIfAborted()
    const peer = peerName(request.to)
    const handler = handlers.get(peer)
    if (handler === undefined) throw new HostError('HOST_UNREACHABLE', 'nobody answers', { peer })
    const late = new AbortController()
    const stop = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal])
    const deadline = clock.sleep(request.timeoutMs, stop)
    try {
      const answer = await Promise.race([handler(request), deadline])
      if (answer === undefined) throw new HostError('HOST_TIMEOUT', 'no answer in time', { peer })
      if (new TextEncoder().encode(answer.body).length > request.maxBytes)
        throw new HostError('HOST_TOO_LARGE', 'the answer is longer than allowed', { peer })
      return answer
    } finally {
      deadline.catch(() => undefined)
      late.abort()
    }
  },
})
