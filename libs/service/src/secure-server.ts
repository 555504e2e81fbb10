import { constants } from 'node:crypto'
import type { Server, ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { CIPHERS } from './ciphers.ts'
import { ServiceError } from './error.ts'
import { httpOptionsOf, type Limits } from './limits.ts'
import type { TlsFiles } from './tls-files.ts'

export type MinVersion = 'TLSv1.2' | 'TLSv1.3'

export interface SecureOptions {
  readonly tls: TlsFiles
  readonly minVersion: MinVersion
  /** `verified`: every caller shows a certificate that chains to our roots. `anonymous`: none is asked for. */
  readonly callers: 'verified' | 'anonymous'
  readonly limits: Limits
}

/** HTTPS over HTTP/1.1 where every connection makes a full handshake: a resumed one would skip the check of the caller. */
export function secureServerOptions({ tls, minVersion, callers, limits }: SecureOptions): ServerOptions {
  return {
    ...httpOptionsOf(limits),
    ...contextOptions(tls, minVersion, callers),
    requestCert: callers === 'verified',
    rejectUnauthorized: callers === 'verified',
    handshakeTimeout: limits.handshakeTimeoutMs,
    ALPNProtocols: ['http/1.1'],
  }
}

function contextOptions(tls: TlsFiles, minVersion: MinVersion, callers: SecureOptions['callers']) {
  const { key, cert, ca } = tls.current()
  // Without roots of our own Node would trust the public ones.
  if (callers === 'verified' && ca.length === 0) throw new ServiceError('SERVICE_NO_ROOTS', 'no roots to verify callers with')
  return {
    key,
    cert,
    ...(callers === 'verified' ? { ca: [...ca] } : {}),
    minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

export interface Following {
  /** Whether a connection was made with other credentials or roots than the current ones. */
  isOutdated(socket: Socket): boolean
  stop(): void
}

/** New connections use changed files at once. */
export function followTlsFiles(server: Server, { tls, minVersion, callers }: SecureOptions): Following {
  const madeIn = new WeakMap<Socket, number>()
  let generation = 0
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.disableRenegotiation()
    madeIn.set(socket, generation)
  })
  const stop = tls.onChange(() => {
    server.setSecureContext(contextOptions(tls, minVersion, callers))
    generation += 1
  })
  return { isOutdated: (socket) => madeIn.get(socket) !== generation, stop }
}
