/** The manifests of `deploy/` as they stand, for tests that judge them without a cluster. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { parseAllDocuments } from 'yaml'

export interface SecurityContext {
  readonly runAsNonRoot?: boolean
  readonly runAsUser?: number
  readonly privileged?: boolean
  readonly allowPrivilegeEscalation?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  readonly seccompProfile?: { readonly type: string }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly imagePullPolicy?: string
  readonly args?: readonly string[]
  readonly restartPolicy?: string
  readonly resources?: { readonly requests?: Readonly<Record<string, string>>; readonly limits?: Readonly<Record<string, string>> }
  readonly securityContext?: SecurityContext
  readonly startupProbe?: object
  readonly livenessProbe?: object
  readonly readinessProbe?: object
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface PodSpec {
  readonly serviceAccountName?: string
  readonly priorityClassName?: string
  readonly hostPID?: boolean
  readonly hostNetwork?: boolean
  readonly hostIPC?: boolean
  readonly securityContext?: SecurityContext
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[]
}

export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

export interface Deployed {
  readonly file: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: { readonly replicas?: number; readonly template?: { readonly metadata?: Deployed['metadata']; readonly spec: PodSpec } } & Readonly<Record<string, unknown>>
  readonly rules?: readonly Rule[]
  readonly data?: Readonly<Record<string, string>>
}

const FOLDERS = ['base', 'overlays/flexvolume', 'overlays/trial', 'uninstall', 'example']

/** Every manifest of every file; kustomizations and patches are not manifests of their own. */
export function deployed(...folders: readonly string[]): readonly Deployed[] {
  return (folders.length === 0 ? FOLDERS : folders).flatMap((folder) => {
    const names = readdirSync(join(REPOSITORY, 'deploy', folder)).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    return names.flatMap((name) => read(`${folder}/${name}`))
  })
}

export const read = (file: string): readonly Deployed[] =>
  // As kubectl reads it: 0400 is octal.
  parseAllDocuments(readFileSync(join(REPOSITORY, 'deploy', file), 'utf8'), { version: '1.1' }).map((document) => {
    const [problem] = document.errors
    if (problem !== undefined) throw new Error(`deploy/${file}: ${problem.message}`)
    return { file, ...(document.toJS() as Omit<Deployed, 'file'>) }
  })

export const podSpecOf = ({ kind, spec }: Deployed): PodSpec | undefined =>
  kind === 'Pod' ? (spec as unknown as PodSpec) : spec?.template?.spec

export const containersOf = (spec: PodSpec): readonly Container[] => [...(spec.initContainers ?? []), ...spec.containers]
