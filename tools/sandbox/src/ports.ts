/** Ports of this machine's loopback that were free a moment ago, each different. */
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'

export async function freePorts<const Names extends readonly string[]>(names: Names): Promise<Record<Names[number], number>> {
  const servers = await Promise.all(names.map(listen))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return Object.fromEntries(names.map((name, i) => [name, ports[i]])) as Record<Names[number], number>
}

function listen(): Promise<Server> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server))
  return promise
}
