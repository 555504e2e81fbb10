/** What the sandbox's kubelet asks of the API server: the verbs of a real one, no more. */
import type { PodObject } from './objects.ts'

export interface KubeletApi {
  /** Replaces the status; a pod that is gone is fine. */
  reportStatus(pod: PodObject, status: Record<string, unknown>): Promise<void>
  /** The last delete, with grace 0 and the UID as precondition: after it the name is free. */
  forget(pod: PodObject): Promise<void>
  serviceAccountToken(pod: PodObject, request: { readonly audience?: string; readonly expirationSeconds: number }): Promise<string>
  configMap(namespace: string, name: string): Promise<Readonly<Record<string, string>>>
  /** TokenReview: the user of a bearer token, or undefined. */
  userOf(token: string): Promise<KubeUser | undefined>
  /** SubjectAccessReview on this node's subresource. */
  mayGetNode(user: KubeUser, subresource: string): Promise<boolean>
}

export interface KubeUser {
  readonly username: string
  readonly groups: readonly string[]
}
