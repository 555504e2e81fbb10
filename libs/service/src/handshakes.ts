/** Why a TLS handshake failed, in a few classes: where it failed decides whether the error or the socket says it. */
import type { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Logger, Metrics } from '@pallas/runtime'

export type HandshakeFailure = 'no-certificate' | 'expired' | 'untrusted' | 'refused-us' | 'protocol' | 'timeout' | 'aborted'

/** `refused-us`: the caller does not take our certificate. `aborted`: it went away. */
export function handshakeFailureOf(
  { code = '' }: { readonly code?: string },
  socket: { readonly authorizationError?: unknown },
): HandshakeFailure {
  // A chain that does not verify ends the socket without an error of its own.
  const chain = socket.authorizationError
  if (chain !== undefined && chain !== null) return chain === 'CERT_HAS_EXPIRED' ? 'expired' : 'untrusted'
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'no-certificate'
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout'
  if (/^ERR_SSL_.*ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) return 'refused-us'
  return code.startsWith('ERR_SSL_') ? 'protocol' : 'aborted'
}

export interface HandshakeTelling {
  readonly log: Logger
  readonly metrics?: Pick<Metrics, 'counter'>
}

/** Every failed handshake is a debug line and, with `metrics`, counted by its class. */
export function tellFailedHandshakes(server: Server, { log, metrics }: HandshakeTelling): void {
  const failures = metrics?.counter({
    name: 'tls_handshake_failures_total',
    help: 'TLS handshakes of callers that failed, by class of reason.',
    labels: ['reason'],
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = handshakeFailureOf(error, socket)
    failures?.inc({ reason })
    log.debug({ problem: reason, facts: { code: error.code } }, 'tls handshake failed')
  })
}
