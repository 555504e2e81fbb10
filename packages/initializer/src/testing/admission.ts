/** What a test run needs from anything that injects into new pods, to judge it by what an API server keeps. */
import { isKubernetesError, type KubeApi, pathOf, PODS } from '@pallas/kubernetes'
import { newPodObject } from '@pallas/kubernetes/testing'
import type { MadeSpec } from './made.ts'

export interface AdmissionOptions {
  readonly hostNetwork: 'refuse' | 'no-ip'
}

/** An API server that injects, by whatever means, what `initConfig()` says. */
export interface AdmissionWorld extends AsyncDisposable {
  readonly admin: KubeApi
  /** Where pods are injected. */
  readonly namespace: string
  /** The annotation that asks. */
  readonly trigger: string
  /** From then on somebody else puts an init container before all others of every new pod, after ours was asked. */
  reorder(): Promise<AsyncDisposable>
}

export type OpenAdmission = (options: AdmissionOptions) => Promise<AdmissionWorld>

export type Outcome =
  | { readonly kind: 'made'; readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }; readonly spec: MadeSpec }
  | { readonly kind: 'refused'; readonly status: number | undefined; readonly message: string }

export interface NewPod {
  readonly metadata?: object
  /** Besides the annotation that asks. */
  readonly annotations?: object
  readonly spec?: object
}

/** For show only: nothing is kept, and everything is decided and validated as if it were. */
export const DRY_RUN = '?dryRun=All&fieldValidation=Strict'

export async function makePod({ admin, namespace, trigger }: AdmissionWorld, { metadata = {}, annotations = {}, spec = {} }: NewPod = {}, query = DRY_RUN): Promise<Outcome> {
  const about = { generateName: 'web-', ...metadata, annotations: { [trigger]: 'true', ...annotations } }
  try {
    const made = await admin.create(pathOf(PODS, { namespace }) + query, newPodObject(about, spec))
    return { kind: 'made', metadata: made.metadata as Extract<Outcome, { kind: 'made' }>['metadata'], spec: made['spec'] as MadeSpec }
  } catch (error) {
    if (!isKubernetesError(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID')) throw error
    return { kind: 'refused', status: error.status, message: String(error.fields['detail']) }
  }
}
