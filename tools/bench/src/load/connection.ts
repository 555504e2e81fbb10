/** One kept connection that posts and reads answers, at as little cost as may be: who asks must not be the slower one. */
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  /** PEM. */
  readonly ca: string
  readonly key?: string
  readonly cert?: string
  /** The name that the server's certificate carries, where it is not the host. */
  readonly serverName?: string
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

export interface Connection {
  /** Resolves with the status when the whole answer is there. */
  post(body: string): Promise<number>
  close(): void
}

export async function openConnection(target: Target): Promise<Connection> {
  const { host, port, path, serverName, ca, key, cert, maxVersion } = target
  const options: ConnectionOptions = {
    host,
    port,
    ca,
    ...(key === undefined || cert === undefined ? {} : { key, cert }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    // Certificates were checked against the roots; the names of these servers are checked by the suite's own tests.
    checkServerIdentity: () => undefined,
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
  const socket = connect(options)
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
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

function followAnswers(socket: TLSSocket) {
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
