/** What the rooms of the embedded server share. */
import type { Clock } from '@pallas/host'
import {
  CONFIG_MAPS,
  EVENTS,
  LEASES,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  NODES,
  PODS,
  type Resource,
  SERVICE_ACCOUNTS,
  SUBJECT_ACCESS_REVIEWS,
  TOKEN_REVIEWS,
} from '../../resources.ts'
import type { Authenticator, User } from './authn.ts'
import type { Rule } from './authz.ts'
import type { Json } from './object.ts'
import type { Store } from './store.ts'
import type { Endpoints } from './webhook-call.ts'

export interface ApiContext {
  readonly store: Store
  readonly authn: Authenticator
  readonly rules: () => readonly Rule[]
  readonly clock: Clock
  readonly endpoints: Endpoints
  /** Goes into each namespace's `kube-root-ca.crt`. */
  readonly caPem: string
  /** Whether new pods are bound to a node by the server itself. */
  readonly scheduler: boolean
}

export const RESOURCES: readonly Resource[] = [
  NAMESPACES,
  NODES,
  PODS,
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
  EVENTS,
  LEASES,
  MUTATING_WEBHOOKS,
  TOKEN_REVIEWS,
  SUBJECT_ACCESS_REVIEWS,
]

/** What a request is about. */
export interface Target {
  readonly resource: Resource
  /** Empty: cluster scope, or all namespaces. */
  readonly namespace: string
  /** Empty: the collection. */
  readonly name: string
  readonly subresource: string
}

export interface WriteRequest {
  readonly target: Target
  readonly user: User
  readonly body: Json
  readonly dryRun: boolean
}

export interface Answer {
  readonly status: number
  readonly body: object
  /** Default: JSON. */
  readonly type?: string
  readonly warnings?: readonly string[]
}
