/** Asks a server of its own with each kind of dispatcher that programs use, and prints what it hears. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, Client, type Dispatcher, Pool } from 'undici'

const server = createServer((_request, response) => void response.end('yes')).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const all: readonly (readonly [string, Dispatcher])[] = [
  ['Agent', new Agent()],
  ['Client', new Client(origin)],
  ['Pool', new Pool(origin)],
]
for (const [name, dispatcher] of all) {
  const { statusCode, body } = await dispatcher.request({ origin, method: 'GET', path: '/', signal: AbortSignal.timeout(10_000) })
  console.log(`${name} ${statusCode} ${await body.text()}`)
  await dispatcher.close()
}
server.close()
