/** One kept connection that posts and reads answers as cheaply as may be: who asks must not be the slower one. */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  /** PEM; absent: without TLS. */
  readonly ca?: string
  readonly key?: string
  readonly cert?: string
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

export interface Connection {
  /** Resolves with the status when the whole answer is there. */
  post(body: string): Promise<number>
  close(): void
}

export async function openConnection(target: Target): Promise<Connection> {
  const { host, port, path } = target
  const socket = await open(target)
  socket.setNoDelay(true)
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\nContent-Length: `
  const answers = followAnswers(socket)
  return {
    async post(body) {
      const answered = answers.next()
      socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`)
      return answered
    },
    close: () => void socket.destroy(),
  }
}

async function open({ host, port, ca, key, cert, maxVersion }: Target): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  if (ca === undefined) {
    const plain = connectPlain({ host, port }, () => resolve(plain)).once('error', reject)
    return promise
  }
  const own = key === undefined || cert === undefined ? {} : { key, cert }
  const newest = maxVersion === undefined ? {} : { maxVersion }
  // The chain is checked; names are the business of the suite's own tests.
  const options = { host, port, ca, ...own, ...newest, checkServerIdentity: () => undefined }
  const secure = connectTls(options, () => resolve(secure)).once('error', reject)
  return promise
}

function followAnswers(socket: Socket) {
  let waiting: PromiseWithResolvers<number> | undefined
  let seen: Buffer = Buffer.alloc(0)
  const broken = (error?: Error) => waiting?.reject(error ?? new Error('the connection was closed'))
  socket.on('error', broken).on('close', () => broken())
  socket.on('data', (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const answer = readAnswer(seen)
    if (answer === undefined) return
    seen = seen.subarray(answer.length)
    const { promise: _promise, resolve } = waiting ?? Promise.withResolvers<number>()
    waiting = undefined
    resolve(answer.status)
  })
  return {
    next: () => {
      waiting = Promise.withResolvers<number>()
      return waiting.promise
    },
  }
}

/** Undefined until all of it has come. Throws for an answer whose length nobody says. */
export function readAnswer(bytes: Buffer): { readonly status: number; readonly length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const said = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (said === undefined && status !== 204) throw new Error('an answer without a length')
  const length = end + 4 + Number(said ?? 0)
  return bytes.length < length ? undefined : { status, length }
}
