/** What an admission webhook is asked, and answers: AdmissionReview of `admission.k8s.io/v1` (node-interfaces, 5.2). */
import { KubernetesError } from './error.ts'
import { fieldsOf, isObject, type JsonObject } from './json.ts'

/**
 * Longest body that a webhook for new objects must take: an API server reads 3 MiB of what it is sent and etcd keeps half of that,
 * so that a new object is no longer; the rest is for what the review says of its maker.
 */
export const ADMISSION_BODY_LIMIT = (3 * 1024 + 256) * 1024

export interface AdmissionRequest {
  /** Of the review, echoed in the answer; the object itself has none yet. */
  readonly uid: string
  readonly kind: GroupVersionName
  readonly resource: GroupVersionName
  /** Empty for the object itself. */
  readonly subResource: string
  /** Empty when the server will make one from `generateName`. */
  readonly name: string
  /** The truth about the namespace: `object.metadata.namespace` may be absent. */
  readonly namespace: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly dryRun: boolean
  readonly user: { readonly username: string; readonly groups: readonly string[] }
  /** As it came, not validated; undefined for DELETE. */
  readonly object: JsonObject | undefined
  readonly oldObject: JsonObject | undefined
}

export interface GroupVersionName {
  readonly group: string
  readonly version: string
  /** Kind, or plural of the resource. */
  readonly name: string
}

/** RFC 6902. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string }

export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly status?: { readonly code: number; readonly message: string; readonly reason?: string }
    readonly patchType?: 'JSONPatch'
    /** Base64 of the JSON of the operations. */
    readonly patch?: string
    readonly warnings?: readonly string[]
  }
}

const UID = /^[0-9A-Za-z-]{1,128}$/
const OPERATIONS: ReadonlySet<string> = new Set<AdmissionRequest['operation']>([
  'CREATE',
  'UPDATE',
  'DELETE',
  'CONNECT',
])
/** The API server cuts longer ones. */
const WARNING_LIMIT = 120

/** Takes parsed JSON; throws `KUBE_BAD_REVIEW`, `fields.path` names the field. Fields we do not use may be anything. */
export function parseAdmissionReview(body: unknown): AdmissionRequest {
  if (!isObject(body)) return wrong('')
  if (body['apiVersion'] !== 'admission.k8s.io/v1') return wrong('apiVersion')
  if (body['kind'] !== 'AdmissionReview') return wrong('kind')
  if (!isObject(body['request'])) return wrong('request')
  const request = fieldsOf(body['request'], 'request', wrong)
  const user = fieldsOf(request.object('userInfo'), 'request.userInfo', wrong)
  const operation = request.text('operation')
  return {
    uid: UID.test(request.text('uid')) ? request.text('uid') : wrong('request.uid'),
    kind: nameOf(request.object('kind'), 'kind'),
    resource: nameOf(request.object('resource'), 'resource'),
    subResource: request.text('subResource'),
    name: request.text('name'),
    namespace: request.text('namespace'),
    operation: OPERATIONS.has(operation) ? (operation as AdmissionRequest['operation']) : wrong('request.operation'),
    dryRun: request.flag('dryRun'),
    user: { username: user.text('username'), groups: user.texts('groups') },
    object: presentOf(body['request'], request, 'object'),
    oldObject: presentOf(body['request'], request, 'oldObject'),
  }
}

export interface AllowOptions {
  /** Applied in order; none leaves the object as it is. */
  readonly patch?: readonly JsonPatchOperation[]
  /** Shown to whoever made the object; each is cut at 120 characters. */
  readonly warnings?: readonly string[]
}

export function allowReview(
  { uid }: Pick<AdmissionRequest, 'uid'>,
  { patch = [], warnings = [] }: AllowOptions = {},
): AdmissionAnswer {
  return answer({
    uid,
    allowed: true,
    ...(patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: encode(patch) }),
    ...(warnings.length === 0 ? {} : { warnings: warnings.map((text) => text.slice(0, WARNING_LIMIT)) }),
  })
}

/** `message` is shown to whoever made the object. `code` is the HTTP status that they get. */
export const denyReview = (
  { uid }: Pick<AdmissionRequest, 'uid'>,
  { message, code = 403, reason }: { readonly message: string; readonly code?: number; readonly reason?: string },
): AdmissionAnswer =>
  answer({ uid, allowed: false, status: { code, message, ...(reason === undefined ? {} : { reason }) } })

const answer = (response: AdmissionAnswer['response']): AdmissionAnswer => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response,
})

const encode = (patch: readonly JsonPatchOperation[]): string =>
  new TextEncoder().encode(JSON.stringify(patch)).toBase64()

function nameOf(object: JsonObject, key: 'kind' | 'resource'): GroupVersionName {
  const { text } = fieldsOf(object, `request.${key}`, wrong)
  return {
    group: text('group'),
    version: text('version') || wrong(`request.${key}.version`),
    name: text(key) || wrong(`request.${key}.${key}`),
  }
}

const presentOf = (raw: JsonObject, request: ReturnType<typeof fieldsOf>, key: string): JsonObject | undefined =>
  raw[key] === undefined || raw[key] === null ? undefined : request.object(key)

function wrong(path: string): never {
  throw new KubernetesError('KUBE_BAD_REVIEW', 'not an admission review', { fields: { path } })
}
