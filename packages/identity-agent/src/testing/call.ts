import { type Agent, request } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface CallOptions {
  readonly method?: string
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
  /** For several exchanges over one connection. */
  readonly agent?: Agent
}

/** One HTTP exchange over a unix socket, from this very process. The path is sent as it is. */
export function call(socketPath: string, path: string, options: CallOptions = {}): Promise<Reply> {
  const { method = 'POST', body, headers = {}, agent = false } = options
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const outgoing = request({ socketPath, path: '/', method, headers, agent }, (incoming) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('error', reject)
    incoming.on('end', () => {
      const text = Buffer.concat(parts).toString()
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parse(text) })
    })
  })
  // What node:http would refuse to send is what an attacker sends.
  outgoing.path = path
  outgoing.on('error', reject)
  outgoing.end(typeof body === 'object' ? JSON.stringify(body) : body)
  return promise
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
