/** A pod worker's surroundings without a machine: what it did is written down in order. */
import { FakeClock } from '@pallas/host/testing'
import type { KubeletApi } from '../kubelet/api.ts'
import type { ContainerObject, PodObject } from '../kubelet/objects.ts'
import type { PodWorkerDeps } from '../kubelet/pod-worker.ts'
import type { Volumes } from '../kubelet/volumes.ts'
import { FakeRuntime } from './fake-runtime.ts'

export const UID = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'

export const container = (name: string, other: Partial<ContainerObject> = {}): ContainerObject => ({ name, image: 'test:1', command: [name], ...other })
export const sidecar = (name: string): ContainerObject => container(name, { restartPolicy: 'Always' })

export function podWith(spec: Partial<PodObject['spec']> = {}, metadata: Partial<PodObject['metadata']> = {}): PodObject {
  return {
    metadata: { namespace: 'shop', name: 'web-0', uid: UID, ...metadata },
    spec: { serviceAccountName: 'web', nodeName: 'node-1', terminationGracePeriodSeconds: 10, containers: [container('main')], ...spec },
  }
}

export const deleting = (pod: PodObject, graceSeconds = 10): PodObject => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2030-01-01T00:00:00Z', deletionGracePeriodSeconds: graceSeconds },
})

export type FakeApi = KubeletApi & { readonly statuses: Record<string, unknown>[]; readonly forgotten: string[] }

export function fakeApi(other: Partial<KubeletApi> = {}): FakeApi {
  const statuses: Record<string, unknown>[] = []
  const forgotten: string[] = []
  return {
    statuses,
    forgotten,
    reportStatus: async (_pod, status) => void statuses.push(status),
    forget: async ({ metadata }) => void forgotten.push(metadata.uid),
    serviceAccountToken: async (_pod, { audience = 'api', expirationSeconds }) => `token for ${audience}, ${expirationSeconds} s`,
    configMap: async () => ({}),
    userOf: async () => undefined,
    mayGetNode: async () => false,
    ...other,
  }
}

/** Fails as often as asked. */
export class FakeVolumes implements Volumes {
  readonly calls: string[] = []
  failures = 0
  pathOf: Volumes['pathOf'] = (_pod, { name }) => `/volumes/${name}`
  setUp: Volumes['setUp'] = async (_pod, { name }) => {
    this.calls.push(`set up ${name}`)
    if (this.failures-- > 0) throw new Error('not now')
  }
  tearDown: Volumes['tearDown'] = async (_pod, { name }) => void this.calls.push(`tear down ${name}`)
  forgetPod: Volumes['forgetPod'] = async () => void this.calls.push('forget pod')
}

export function openParts() {
  const clock = new FakeClock()
  const runtime = new FakeRuntime()
  const volumes = new FakeVolumes()
  const api = fakeApi()
  const steps: string[] = []
  const deps: PodWorkerDeps = {
    api,
    clock,
    runtime,
    volumes,
    images: { env: {}, argvOf: ({ command = [] }) => command },
    hostIp: '192.0.2.1',
    logDir: '/logs',
    podIpDelayMs: 100,
    backoff: { initialMs: 500, maxMs: 10_000 },
    allocateIp: () => '10.0.0.1',
    onStep: (_pod, step, detail) => void steps.push(detail === undefined ? step : `${step}: ${detail}`),
  }
  return { clock, runtime, volumes, api, steps, deps }
}
