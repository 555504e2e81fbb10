import { HostError, type Http, type HttpPeer, type HttpRequest, type HttpResponse } from '@pallas/host'
import { native, type NativeAnswer, type NativeExchange } from './native.ts'
import { asked, errorOf } from './refusals.ts'

export const staticHttp = (): Http => ({ exchange })

async function exchange(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
  signal?.throwIfAborted()
  const { startExchange, cancelExchange } = native
  if (startExchange === undefined || cancelExchange === undefined) throw new HostError('HOST_IO', 'this program has no network')
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
  const running = asked(() =>
    startExchange(toNative(request), (refusal, answer) => {
      if (answer !== null) resolve(responseOf(answer))
      else if (refusal !== null) reject(errorOf(refusal))
    }),
  )
  // The host keeps a deadline for each step; this is the one for the whole, held whatever a step waits for.
  const timer = native.startTimer(request.timeoutMs, () => reject(new HostError('HOST_TIMEOUT', 'no answer in time', { peer: nameOf(request.to) })))
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    native.cancelTimer(timer)
    cancelExchange(running)
    signal?.removeEventListener('abort', onAbort)
  }
}

const toNative = ({ to, method, path, headers = {}, body, timeoutMs, maxBytes }: HttpRequest): NativeExchange => ({
  ...peerOf(to),
  method,
  path,
  headers: Object.entries(headers),
  body,
  timeoutMs,
  maxBytes,
})

function peerOf(to: HttpPeer): Pick<NativeExchange, 'kind' | 'host' | 'port' | 'caPem' | 'keyPem' | 'certPem'> {
  if (to.kind === 'unix') return { kind: 'unix', host: to.socketPath, port: 0 }
  if (to.kind === 'tcp') return to
  const { kind, host, port, caPem, client } = to
  return { kind, host, port, caPem, keyPem: client?.keyPem, certPem: client?.certPem }
}

function responseOf({ status, headers, body }: NativeAnswer): HttpResponse {
  const joined = new Map<string, string>()
  for (const [name, value] of headers) {
    const before = joined.get(name)
    joined.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { status, headers: Object.fromEntries(joined), body }
}

const nameOf = (to: HttpPeer): string => (to.kind === 'unix' ? to.socketPath : `${to.host}:${to.port}`)
