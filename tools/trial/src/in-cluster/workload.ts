/**
 * The pods of the trial, with what the suite gave them in `/tls`: `serve` answers whoever comes with a certificate of the same
 * authority, `call` asks again and again, `ask` once. Each prints a line of JSON a call. Both follow the files without a restart.
 */
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { type Clock, createLogger } from '@pallas/runtime'
import { openTlsFiles, type TlsMaterial } from '@pallas/service'

export interface WorkloadOptions {
  /** Directory of key, certificate and authority. */
  readonly dir: string
  readonly clock: Clock
  readonly say: (line: string) => void
}

const CALL_TIMEOUT_MS = 5_000
const PAUSE_MS = 10_000

const open = ({ dir, clock }: WorkloadOptions) =>
  openTlsFiles({
    keyFile: join(dir, 'service.key'),
    certFile: join(dir, 'service.cert'),
    ca: { files: [join(dir, 'cacert.pem')] },
    log: createLogger('trial', { level: 'warn' }),
    clock,
  })

const secureOf = ({ key, cert, ca }: TlsMaterial) => ({ key, cert, ca: [...ca] })

export const commonNameOf = (socket: unknown): string => String((socket as TLSSocket).getPeerCertificate().subject?.CN)

export async function serve(options: WorkloadOptions, listen: { readonly host?: string; readonly port: number }) {
  await using scope = new AsyncDisposableStack()
  const files = scope.use(await open(options))
  const tls = { ...secureOf(files.current()), requestCert: true, rejectUnauthorized: true }
  const server = createServer(tls, (asked, answer) => {
    const caller = commonNameOf(asked.socket)
    options.say(JSON.stringify({ served: caller }))
    answer.setHeader('content-type', 'application/json').end(JSON.stringify({ youAre: caller }))
  })
  scope.defer(files.onChange(() => server.setSecureContext(secureOf(files.current()))))
  scope.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  const listening = once(server, 'listening')
  server.listen(listen)
  await listening
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : listen.port
  const parts = scope.move()
  return { port, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

export interface Called {
  /** Whom the certificate of the server names. */
  readonly reached: string
  /** As whom the server knew the caller. */
  readonly youAre: string
}

/** One call on a connection of its own; the name of the server's certificate must be the host's. */
export async function callOnce(material: TlsMaterial, to: { readonly host: string; readonly port: number; readonly serverName?: string }) {
  const { promise, resolve, reject } = Promise.withResolvers<Called>()
  const { serverName = to.host, ...address } = to
  const signal = AbortSignal.timeout(CALL_TIMEOUT_MS)
  const asking = request({ ...address, ...secureOf(material), servername: serverName, agent: false, signal }, (answer) => {
    const reached = commonNameOf(answer.socket)
    let body = ''
    answer.setEncoding('utf8').on('data', (part: string) => (body += part))
    answer.once('error', reject)
    answer.once('end', () => resolve({ reached, ...(JSON.parse(body) as { youAre: string }) }))
  })
  asking.once('error', reject)
  asking.end()
  return promise
}

/** One call, and no other. */
export async function ask(options: WorkloadOptions, to: { readonly host: string; readonly port: number }): Promise<void> {
  await using files = await open(options)
  options.say(JSON.stringify(await callOnce(files.current(), to)))
}

export async function call(options: WorkloadOptions, to: { readonly host: string; readonly port: number }): Promise<AsyncDisposable> {
  const files = await open(options)
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted) {
      const line = await callOnce(files.current(), to).catch((error: unknown) => ({ failed: error instanceof Error ? error.message : 'unknown' }))
      options.say(JSON.stringify(line))
      await options.clock.sleep('failed' in line ? CALL_TIMEOUT_MS / 5 : PAUSE_MS, stop.signal).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await files[Symbol.asyncDispose]()
    },
  }
}
