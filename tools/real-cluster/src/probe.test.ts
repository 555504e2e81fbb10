import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clusterAt } from './layout.ts'
import { works } from './probe.ts'

const cluster = clusterAt('/nowhere/state')

async function listening(server: Server, ...where: [string] | [number, string]) {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(...(where as [number, string]), resolve)
  await promise
  return { port: () => (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => new Promise<void>((done) => void server.close(() => done())) }
}

test.each([
  [200, true],
  [500, false],
  [404, false],
])('a daemon that answers %i: %s', async (status, verdict) => {
  await using server = await listening(createHttpServer((_request, answer) => void answer.writeHead(status).end('x')), 0, '127.0.0.1')
  expect(await works({ kind: 'http', url: `http://127.0.0.1:${server.port()}/healthz` }, cluster)).toBe(verdict)
})

test('a socket that takes connections works, a file that is left of one does not', async () => {
  const directory = mkdtempSync(`${tmpdir()}/probe-`)
  const path = join(directory, 's')
  {
    await using _server = await listening(createServer((socket) => socket.destroy()), path)
    expect(await works({ kind: 'socket', path }, cluster)).toBe(true)
  }
  expect(await works({ kind: 'socket', path }, cluster)).toBe(false)
  rmSync(directory, { recursive: true })
})

test('what cannot be asked does not work', async () => {
  await using server = await listening(createServer((socket) => socket.destroy()), 0, '127.0.0.1')
  expect(await works({ kind: 'http', url: `http://127.0.0.1:${server.port()}/` }, cluster)).toBe(false)
  expect(await works({ kind: 'admin', url: `https://127.0.0.1:${server.port()}/` }, cluster)).toBe(false)
})
