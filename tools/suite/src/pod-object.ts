/** The parts of v1.Pod that the assertions look at. */
export interface PodName {
  readonly namespace: string
  readonly name: string
}

export interface PodObject {
  readonly metadata: PodName & {
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly spec: {
    readonly nodeName?: string
    readonly volumes?: readonly VolumeObject[]
    readonly initContainers?: readonly ContainerObject[]
    readonly containers: readonly ContainerObject[]
  }
  readonly status?: Readonly<Record<string, unknown>>
}

export interface VolumeObject {
  readonly name: string
  readonly flexVolume?: { readonly driver: string }
}

export interface ContainerObject {
  readonly name: string
  readonly image: string
  readonly restartPolicy?: 'Always'
}

export const isSidecar = ({ restartPolicy }: ContainerObject): boolean => restartPolicy === 'Always'

export const phaseOf = ({ status }: PodObject): unknown => status?.['phase']
export const isRunning = (pod: PodObject): boolean => phaseOf(pod) === 'Running'
export const hasEnded = (pod: PodObject): boolean => phaseOf(pod) === 'Succeeded' || phaseOf(pod) === 'Failed'

export function podIpOf({ status }: PodObject): string {
  const ip = status?.['podIP']
  return typeof ip === 'string' ? ip : ''
}
