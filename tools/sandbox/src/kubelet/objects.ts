/** The parts of v1.Pod that a kubelet works with, as the API server sends them. */
export interface PodObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
  }
  readonly spec: {
    readonly serviceAccountName?: string
    readonly nodeName?: string
    readonly hostNetwork?: boolean
    readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
    readonly terminationGracePeriodSeconds?: number
    readonly securityContext?: { readonly fsGroup?: number }
    readonly volumes?: readonly VolumeObject[]
    readonly initContainers?: readonly ContainerObject[]
    readonly containers: readonly ContainerObject[]
  }
  readonly status?: Readonly<Record<string, unknown>>
}

export interface VolumeObject {
  readonly name: string
  readonly emptyDir?: object
  readonly flexVolume?: {
    readonly driver: string
    readonly readOnly?: boolean
    readonly fsType?: string
    readonly options?: Readonly<Record<string, string>>
  }
  readonly projected?: { readonly sources?: readonly ProjectedSource[] }
}

export interface ProjectedSource {
  readonly serviceAccountToken?: { readonly path: string; readonly audience?: string; readonly expirationSeconds?: number }
  readonly configMap?: { readonly name: string; readonly items?: readonly { readonly key: string; readonly path: string }[] }
  readonly downwardAPI?: { readonly items?: readonly { readonly path: string; readonly fieldRef: { readonly fieldPath: string } }[] }
}

export interface ContainerObject {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly EnvObject[]
  readonly restartPolicy?: 'Always'
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface EnvObject {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } }
}

export const isSidecar = (container: ContainerObject): boolean => container.restartPolicy === 'Always'

export const podKey = ({ metadata }: PodObject): string => `${metadata.namespace}/${metadata.name}`
