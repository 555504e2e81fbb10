import { constants } from 'node:crypto'
import type { Server, ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '@pallas/runtime'
import { CIPHERS } from './ciphers.ts'
import { ServiceError } from './error.ts'
import { httpOptionsOf, type Limits } from './limits.ts'
import { leadsToRoots } from './peer-chain.ts'
import { sameTexts } from './same-texts.ts'
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
  /** Whether the caller's chain counts by the current roots. The handshake has said so unless they are others since. */
  isTrusted(socket: Socket): Promise<boolean>
  stop(): void
}

/** What a connection was accepted with: its handshake, however long it takes, is judged by that. */
interface Accepted {
  readonly generation: number
  readonly roots: readonly string[]
}

/** New connections use changed files at once; a handshake that was begun before the caller's root was removed ends in nothing. */
export function followTlsFiles(server: Server, { tls, minVersion, callers }: SecureOptions, clock: Pick<Clock, 'now'>): Following {
  const madeWith = new WeakMap<Socket, Accepted>()
  let generation = 0
  const isOutdated = (socket: Socket): boolean => madeWith.get(socket)?.generation !== generation
  const isTrusted = async (socket: Socket): Promise<boolean> => {
    if (callers === 'anonymous') return true
    const roots = tls.current().ca
    if (sameTexts(madeWith.get(socket)?.roots ?? [], roots)) return true
    if (!(socket instanceof TLSSocket)) return false
    return leadsToRoots({ peer: socket.getPeerX509Certificate(), roots, now: clock.now() })
  }
  const acceptedWith = rememberAccepted(server, () => ({ generation, roots: tls.current().ca }))
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.disableRenegotiation()
    const accepted = acceptedWith(socket)
    if (accepted !== undefined) madeWith.set(socket, accepted)
    if (isOutdated(socket)) void isTrusted(socket).then((isGood) => isGood || socket.destroy())
  })
  const stop = tls.onChange(() => {
    server.setSecureContext(contextOptions(tls, minVersion, callers))
    generation += 1
  })
  return { isOutdated, isTrusted, stop }
}

/**
 * What held when a connection came, before the server took its context for it. The socket of the handshake does not show
 * the one below it; both have the address and port of the caller, which no other connection has at the same time.
 */
function rememberAccepted(server: Server, now: () => Accepted): (socket: Socket) => Accepted | undefined {
  const accepted = new Map<string, Accepted>()
  server.prependListener('connection', (socket: Socket) => {
    const caller = callerOf(socket)
    const mine = now()
    accepted.set(caller, mine)
    socket.once('close', () => {
      if (accepted.get(caller) === mine) accepted.delete(caller)
    })
  })
  return (socket) => accepted.get(callerOf(socket))
}

const callerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
