import type { Clock, Metrics } from '@pallas/runtime'
import type { TlsFiles } from './tls-files.ts'

export interface OwnCertificateOptions {
  readonly tls: Pick<TlsFiles, 'notAfter' | 'isUnusable'>
  readonly clock: Pick<Clock, 'now'>
  readonly metrics: Pick<Metrics, 'gauge'>
}

/** The readiness check of a server's own certificate; its end, and whether what lies on disk is no good, become metrics. */
export function ownCertificate({ tls, clock, metrics }: OwnCertificateOptions): () => string | undefined {
  metrics.gauge({
    name: 'identity_not_after_seconds',
    help: 'When the own certificate expires, seconds since the epoch.',
    collect: () => tls.notAfter() / 1_000,
  })
  metrics.gauge({
    name: 'tls_files_unusable',
    help: '1 while the key, certificate or roots that were given last cannot be used, so that the old ones count.',
    collect: () => (tls.isUnusable() ? 1 : 0),
  })
  return () => (tls.notAfter() > clock.now() ? undefined : 'own certificate has expired')
}
