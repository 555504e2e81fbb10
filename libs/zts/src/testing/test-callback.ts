/** A provider's callback that says what a test wants, over mutual TLS as a real one would be asked. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'

export interface AskedCallback {
  readonly path: string
  /** Names and values alternating, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly protocol: string | null
  /** Common name of the certificate that came, if one did. */
  readonly caller: string | undefined
}

interface Said {
  readonly status: number
  readonly body?: string
  readonly contentType?: string
  readonly location?: string
}

export type CallbackReply = Said | 'hang' | 'close'

export interface TestCallback extends AsyncDisposable {
  /** Base URL to register for the provider. */
  readonly endpoint: string
  /** Every request so far, oldest first. */
  readonly asked: readonly AskedCallback[]
  /** How many TLS handshakes were completed. */
  connections(): number
  /** What to say from now on; at first yes, without terms. */
  say(reply: (asked: AskedCallback) => CallbackReply): void
}

/** A yes, in no more than the keys it may have. */
export const yes = (attributes: Record<string, unknown> = {}): CallbackReply => ({
  status: 200,
  body: JSON.stringify({ provider: 'p', domain: 'd', service: 's', attestationData: '', attributes }),
})

const always = () => yes()

export async function startTestCallback(tls: TlsOptions): Promise<TestCallback> {
  const asked: AskedCallback[] = []
  let reply: (asked: AskedCallback) => CallbackReply = always
  let connections = 0
  const server = createServer({ requestCert: true, rejectUnauthorized: true, ...tls }, (request, response) => {
    void answer(request).then((said) => {
      if (said === 'hang') return
      if (said === 'close') request.socket.destroy()
      else send(response, said)
    })
  })
  async function answer(request: IncomingMessage): Promise<CallbackReply> {
    const one = await read(request)
    asked.push(one)
    return reply(one)
  }
  server.on('secureConnection', () => void (connections += 1))
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `https://127.0.0.1:${port}`,
    asked,
    connections: () => connections,
    say: (next) => void (reply = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await closed.promise
    },
  }
}

async function read(request: IncomingMessage): Promise<AskedCallback> {
  const socket = request.socket as TLSSocket
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return {
    path: request.url ?? '',
    rawHeaders: request.rawHeaders,
    body: Buffer.concat(chunks).toString('utf8'),
    protocol: socket.getProtocol(),
    caller: /CN=(.*)/.exec(socket.getPeerX509Certificate()?.subject ?? '')?.[1],
  }
}

function send(response: ServerResponse, { status, body = '', contentType = 'application/json', location }: Said): void {
  response.writeHead(status, { 'content-type': contentType, ...(location === undefined ? {} : { location }) })
  response.end(body)
}
