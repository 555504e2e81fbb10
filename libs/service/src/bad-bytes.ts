import type { Socket } from 'node:net'
import type { ReasonCode } from '@pallas/identity'
import type { Logger } from '@pallas/runtime'
import { STATUS_CODES } from './node-http.ts'

export interface BadBytesOptions {
  readonly log: Logger
  readonly badBytesStatus?: number
}

/** Answers what never became a request (broken HTTP, too slow, headers too long) and hangs up. */
export function answerBadBytes({ log, badBytesStatus }: BadBytesOptions): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    log.debug({ problem: error.code }, 'not a request')
    // Before the TLS handshake nothing can be answered: an answer would wait for ever.
    if (!socket.writable || !/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) return void socket.destroy()
    const status = badBytesStatus ?? statusFor(error.code)
    const body = JSON.stringify({ code: 'BODY_INVALID' satisfies ReasonCode, message: 'not a complete http request' })
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'connection: close',
      'content-type: application/json; charset=utf-8',
      `content-length: ${body.length}`,
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  }
}

function statusFor(code: string | undefined): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
}
