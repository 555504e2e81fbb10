import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { IdentityError } from '@pallas/identity'
import { createRequestIds, systemClock } from '@pallas/runtime'
import { memoryLog } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { createServer, listenUnix, serverFor, type ServerForOptions } from './index.ts'

/** An app behind a socket, whose answers the test lets go. */
async function held(options: ServerForOptions = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'u-'))
  const path = join(dir, 'a.sock')
  const app = createServer({ log: memoryLog().log, clock: systemClock, requestIds: createRequestIds(), bodyLimit: 100 })
  const waiting: (() => void)[] = []
  let begun = 0
  app.all('/*', async () => {
    begun += 1
    await new Promise<void>((resolve) => waiting.push(resolve))
    return {}
  })
  await app.ready()
  const server = serverFor(app, options)
  const bound = await listenUnix(server, { path, mode: 0o600, makeIn: join(dir, 'made'), ownUid: process.geteuid?.() ?? 0 })
  return {
    path,
    get begun() {
      return begun
    },
    answer: () => waiting.shift()?.(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await bound[Symbol.asyncDispose]()
      await rm(dir, { recursive: true })
    },
  }
}

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
const closed = (socket: Socket) =>
  new Promise<void>((resolve) => socket.on('error', () => undefined).resume().once('close', () => resolve()))

test('a connection that sends the next request before it has its answer is cut, and no other', async () => {
  await using it = await held()
  const patient = connect(it.path)
  patient.write(GET)
  await expect.poll(() => it.begun).toBe(1)
  const hasty = connect(it.path)
  hasty.write(GET + GET)
  await closed(hasty)
  expect(it.begun).toBe(2)
  it.answer()
  expect(String((await once(patient, 'data'))[0])).toContain('200 OK')
  patient.destroy()
})

test('thousands of requests in one go are one request, and told as a flood once', async () => {
  let floods = 0
  await using it = await held({ onFlood: () => (floods += 1) })
  const socket = connect(it.path)
  socket.write(GET.repeat(5_000))
  await closed(socket)
  expect(it.begun).toBe(1)
  expect(floods).toBe(1)
})

test('a connection may be used again once its answer is there', async () => {
  await using it = await held()
  const socket = connect(it.path)
  for (const turn of [1, 2, 3]) {
    socket.write(GET)
    await expect.poll(() => it.begun).toBe(turn)
    it.answer()
    expect(String((await once(socket, 'data'))[0])).toContain('200 OK')
  }
  socket.destroy()
})

test('who is not admitted is answered before its body comes, and hung up on', async () => {
  const refusal = new IdentityError('BUSY', 'too many', {}, { retryAfterMs: 3_000 })
  await using it = await held({ admit: () => ({ refusal, requestId: 'r-7' }) })
  const socket = connect(it.path)
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1.1 429 /)
  expect(answer).toContain('retry-after: 3\r\n')
  expect(answer).toContain('x-request-id: r-7\r\n')
  expect(answer).toContain('{"code":"BUSY","message":"too many","retryAfter":3}')
  expect(it.begun).toBe(0)
})
