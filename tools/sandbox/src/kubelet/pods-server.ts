/**
 * The kubelet's own API on :10250 as far as an agent may use it: `GET /pods` over TLS with a bearer token, which the API
 * server reviews. 401 without a valid token, 403 without `nodes/pods` (or `nodes/proxy`) on this node.
 */
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { KubeletApi } from './api.ts'
import type { PodObject } from './objects.ts'

export interface PodsServerOptions {
  readonly api: Pick<KubeletApi, 'userOf' | 'mayGetNode'>
  readonly pods: () => readonly PodObject[]
  readonly tls: Pick<ServerOptions, 'key' | 'cert'>
  readonly nodeName: string
}

export interface PodsServer extends AsyncDisposable {
  readonly url: string
}

export async function startPodsServer(options: PodsServerOptions): Promise<PodsServer> {
  const server = createServer({ ...options.tls, minVersion: 'TLSv1.2' }, (request, response) => {
    void answer(request.headers.authorization, request.method, request.url ?? '', options).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error'),
    )
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => close(server) }
}

async function answer(authorization: string | undefined, method: string | undefined, url: string, options: PodsServerOptions) {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1]
  const user = token === undefined ? undefined : await options.api.userOf(token)
  if (user === undefined) return plain(401, 'Unauthorized')
  const path = url.split('?')[0]
  const subresources = path === '/pods' ? ['pods', 'proxy'] : ['proxy']
  const allowed = await Promise.all(subresources.map((subresource) => options.api.mayGetNode(user, subresource)))
  if (!allowed.includes(true)) {
    return plain(403, `Forbidden (user=${user.username}, verb=get, resource=nodes, subresource(s)=[${subresources.join(' ')}])`)
  }
  if (path !== '/pods') return plain(404, '404 page not found')
  if (method !== 'GET') return plain(405, 'Method Not Allowed')
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.pods() }
  return { status: 200, type: 'application/json', body: JSON.stringify(list) }
}

const plain = (status: number, body: string) => ({ status, type: 'text/plain; charset=utf-8', body })

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
