/** Something without TLS that answers every call the same, and remembers what it was sent. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@pallas/runtime'
import { createZtsClient } from '../client.ts'
import type { Zts } from '../zts.ts'

export interface SentCall {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface ScriptedZts extends AsyncDisposable {
  readonly zts: Zts
  /** Every call so far, oldest first. */
  readonly sent: readonly SentCall[]
}

const JSON_TYPE = { 'content-type': 'application/json' }

export async function openScriptedZts(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Promise<ScriptedZts> {
  const sent: SentCall[] = []
  const server = createServer((request, response) => {
    void read(request).then((call) => {
      sent.push(call)
      response.writeHead(status, headers).end(body)
    })
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const { port } = server.address() as AddressInfo
  const zts = createZtsClient({
    endpoint: new URL(`http://127.0.0.1:${port}/zts/v1/`),
    roots: () => '',
    timeoutMs: 5_000,
    userAgent: 'SIA-k8s.identity 1',
    clock: systemClock,
  })
  return {
    zts,
    sent,
    async [Symbol.asyncDispose]() {
      await zts[Symbol.asyncDispose]()
      server.close()
    },
  }
}

async function read(request: IncomingMessage): Promise<SentCall> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method = '', url = '', headers } = request
  return { method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') }
}

/** What ZTS says when it has issued a certificate for an instance. */
export const identityAnswer = (other: object = {}): string =>
  JSON.stringify({
    provider: 'k8s.identity',
    name: 'shop.cart',
    instanceId: 'pod-1',
    x509Certificate: CERTIFICATE,
    x509CertificateSigner: 'roots',
    ...other,
  })

export const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n'
