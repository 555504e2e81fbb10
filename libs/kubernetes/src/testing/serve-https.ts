import { createServer } from 'node:https'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpsListener extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

/** One handler behind TLS on a free loopback port; disposing it cuts what is open. */
export async function serveHttps(
  { keyPem, certPem }: { readonly keyPem: string; readonly certPem: string },
  handler: RequestListener,
): Promise<HttpsListener> {
  const server = createServer({ key: keyPem, cert: certPem }, handler)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve())
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
