/** The ConfigMap's text as it is deployed, for tests. */
import { stringify } from 'yaml'

export const TRIGGER = 'initializer.kubernetes.io/athenz'

const container = (name: string, mode: string) => ({
  name,
  image: 'local/k8s-athenz-sia:latest',
  command: ['/usr/bin/athenz-sia'],
  args: [`--mode=${mode}`, '--endpoint=unix:///identity/connect/agent.sock'],
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1000m', memory: '512Mi' } },
  volumeMounts: [
    { name: 'ntoken', mountPath: '/tokens' },
    { name: 'tlscerts', mountPath: '/tls' },
    { name: 'sia-identity', mountPath: '/identity' },
  ],
})

export const initConfig = (changes: Readonly<Record<string, unknown>> = {}): string =>
  stringify({
    name: 'athenz.initializer.kubernetes.io',
    annotationTrigger: TRIGGER,
    initTemplate: stringify(container('sia-init', 'init')),
    refreshTemplate: stringify(container('sia-refresh', 'refresh')),
    volumeTemplate: stringify({ name: 'sia-identity', flexVolume: { driver: 'athenz.kubernetes.io/athenz-volume-driver' } }),
    ...changes,
  })

/** What an API server does to a pod between two looks: defaults, rewritten quantities, its own additions. */
export function served<T extends object>(pod: T): T {
  const copy = structuredClone(pod) as { spec: Record<string, Record<string, unknown>[] | undefined> }
  for (const it of [...(copy.spec['initContainers'] ?? []), ...(copy.spec['containers'] ?? [])]) {
    it['terminationMessagePath'] ??= '/dev/termination-log'
    // As `AlwaysPullImages` does.
    it['imagePullPolicy'] = 'Always'
    it['terminationMessagePolicy'] ??= 'File'
    const token = { name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
    it['volumeMounts'] = [...((it['volumeMounts'] as unknown[] | undefined) ?? []), token]
  }
  return JSON.parse(JSON.stringify(copy).replaceAll('"1000m"', '"1"')) as T
}
