/** Puts an answer on the wire: as HTTP has it, or as a fault would. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@pallas/runtime'
import type { Answer } from './answer.ts'
import type { FaultState } from './faults.ts'

export interface SendDeps {
  readonly clock: Pick<Clock, 'sleep'>
  readonly faults: Readonly<FaultState>
  /** What time it is at this ZTS, epoch milliseconds. */
  readonly now: number
  /** Aborted when nobody is there any more. */
  readonly gone: AbortSignal
}

export async function send(
  answer: Answer,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  { clock, faults, now, gone }: SendDeps,
): Promise<void> {
  const { socket } = request
  const headers = headersOf(answer, { host: request.headers.host ?? 'localhost', now })
  if (faults.slowLorisMs !== undefined) {
    await trickle(socket, textOf(answer, headers), () => clock.sleep(faults.slowLorisMs ?? 0, gone))
    return
  }
  // What follows must come with the last bytes of the answer, before anybody could look away.
  socket.cork()
  response.writeHead(answer.status, headers.flat())
  response.end(answer.status === 204 ? undefined : answer.body)
  const { after } = faults
  if (after !== undefined) socket.write('text' in after ? after.text : textOf(answer, headers))
  socket.uncork()
}

type Headers = readonly (readonly [name: string, value: string])[]

interface Around {
  readonly host: string
  readonly now: number
}

function headersOf({ status, headers, contentType, body }: Answer, { host, now }: Around): Headers {
  return [
    ['Date', new Date(now).toUTCString()],
    ['Strict-Transport-Security', 'max-age=31536000; includeSubdomains'],
    ['Host', host],
    ...headers,
    ...(contentType === undefined ? [] : ([['Content-Type', contentType]] as const)),
    ...(status === 204 ? [] : ([['Content-Length', String(Buffer.byteLength(body))]] as const)),
  ]
}

function textOf({ status, body }: Answer, headers: Headers): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers.map((header) => header.join(': '))]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

async function trickle(socket: Socket, text: string, pause: () => Promise<void>): Promise<void> {
  try {
    for (const byte of Buffer.from(text)) {
      socket.write(Uint8Array.of(byte))
      await pause()
    }
    socket.end()
  } catch {
    socket.destroy()
  }
}
