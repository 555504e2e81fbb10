/** HTTPS without any help, for tests of what is on the wire: one request on a connection of its own. */
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'

export interface RawRequest {
  readonly url: URL
  readonly path: string
  readonly ca: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  /** Where to call from. */
  readonly localAddress?: string
  readonly pair?: { readonly keyPem: string; readonly certPem: string }
}

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
  /** Of a refusal. */
  readonly message: unknown
}

export async function rawCall(call: RawRequest): Promise<RawResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>()
  const { url, path, ca, method = 'POST', headers = { 'content-type': 'application/json' }, body, pair, localAddress } = call
  const tls = { ca, ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }) }
  const { hostname, port } = url
  const request = httpsRequest({ hostname, port, path, method, headers, agent: false, localAddress, ...tls })
  request.once('error', reject)
  request.once('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject)
    response.once('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const { statusCode: status = 0, headers: answered, rawHeaders } = response
      resolve({ status, headers: answered, rawHeaders, text, message: messageOf(text) })
    })
  })
  request.end(body)
  return promise
}

function messageOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { message?: unknown }).message
  } catch {
    return undefined
  }
}
