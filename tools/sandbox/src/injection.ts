/** The initializer's ConfigMap as this sandbox deploys it, in the original schema. */
import { stringify } from 'yaml'

export const TRIGGER = 'initializer.kubernetes.io/athenz'
export const FLEX_DRIVER = 'athenz.kubernetes.io/athenz-volume-driver'
export const SIA_COMMAND = '/usr/bin/athenz-sia'

export interface InjectionOptions {
  /** Upper bound of the wait between renewals; empty: half of the certificate's life. */
  readonly refreshInterval: string
  /** Where the key comes from: the pod makes it, or the agent. */
  readonly keyOrigin: 'pod' | 'agent'
}

/** Every path is told by flag, so that containers without a root of their own can be given host paths instead. */
export function initializerConfig({ refreshInterval, keyOrigin }: InjectionOptions): Record<string, string> {
  const args = [
    '--id-file=/identity/id',
    '--endpoint=unix:///identity/connect/agent.sock',
    '--out-key=/tls/service.key',
    '--out-cert=/tls/service.cert',
    '--out-ca-cert=/tls/cacert.pem',
    '--out-ntoken=/tokens/ntoken',
    `--key-origin=${keyOrigin}`,
  ]
  const container = (name: string, mode: string, more: readonly string[]) => ({
    name,
    image: 'local/k8s-athenz-sia:latest',
    command: [SIA_COMMAND],
    args: [`--mode=${mode}`, ...args, ...more],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1000m', memory: '512Mi' } },
    volumeMounts: [
      { name: 'ntoken', mountPath: '/tokens' },
      { name: 'tlscerts', mountPath: '/tls' },
      { name: 'sia-identity', mountPath: '/identity', readOnly: true },
    ],
  })
  const config = {
    name: 'athenz.initializer.kubernetes.io',
    annotationTrigger: TRIGGER,
    removeImages: [],
    initTemplate: stringify(container('sia-init', 'init', [])),
    refreshTemplate: stringify(container('sia-refresh', 'refresh', refreshInterval === '' ? [] : [`--refresh-interval=${refreshInterval}`])),
    volumeTemplate: stringify({ name: 'sia-identity', flexVolume: { driver: FLEX_DRIVER } }),
  }
  return { 'init-config': stringify(config) }
}
