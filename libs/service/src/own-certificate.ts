import type { Clock, Metrics } from '@pallas/runtime'
import type { TlsFiles } from './tls-files.ts'

export interface OwnCertificateOptions {
  readonly tls: Pick<TlsFiles, 'notAfter'>
  readonly clock: Pick<Clock, 'now'>
  readonly metrics: Pick<Metrics, 'gauge'>
}

/** The readiness check of a server's own certificate; its end becomes the metric `identity_not_after_seconds`. */
export function ownCertificate({ tls, clock, metrics }: OwnCertificateOptions): () => string | undefined {
  metrics.gauge({
    name: 'identity_not_after_seconds',
    help: 'When the own certificate expires, seconds since the epoch.',
    collect: () => tls.notAfter() / 1_000,
  })
  return () => (tls.notAfter() > clock.now() ? undefined : 'own certificate has expired')
}
