/** Runs the mutating webhooks that are configured over an object that is being made or changed. */
import { isDeepStrictEqual } from 'node:util'
import { isObject, parseJson } from '../../json.ts'
import { apiVersionOf, MUTATING_WEBHOOKS, NAMESPACES, type Resource } from '../../resources.ts'
import type { User } from './authn.ts'
import { ApiFailure, internal } from './failure.ts'
import { meetsConditions } from './match-conditions.ts'
import { type Json, labelsOf, objectsAt, peekAt, textAt } from './object.ts'
import { applyJsonPatch } from './patch.ts'
import { matchesLabelSelector } from './selectors.ts'
import type { Store } from './store.ts'
import { callWebhook, type Endpoints, WebhookFailure } from './webhook-call.ts'

export interface AdmissionInput {
  readonly resource: Resource
  readonly subresource: string
  readonly operation: 'CREATE' | 'UPDATE'
  readonly namespace: string
  readonly name: string
  readonly user: User
  readonly object: Json
  readonly oldObject: Json | undefined
  readonly dryRun: boolean
}

export interface AdmissionResult {
  readonly object: Json
  /** For Warning headers. */
  readonly warnings: readonly string[]
}

export interface AdmissionDeps {
  readonly store: Store
  readonly endpoints: Endpoints
  /** What the server itself does to an object after a webhook changed it. */
  readonly settle: (object: Json) => void
}

/**
 * Webhooks in the order of their configurations' names; those with `reinvocationPolicy: IfNeeded` once more when a
 * later one changed the object. Throws what a real server answers for a denial, and for a failure unless the webhook's
 * `failurePolicy` is `Ignore`.
 */
export async function admit(input: AdmissionInput, deps: AdmissionDeps): Promise<AdmissionResult> {
  const webhooks = webhooksFor(input, deps.store)
  const warnings: string[] = []
  const seenAfter = new Map<Json, Json>()
  let object = input.object
  for (const webhook of webhooks) {
    object = await invoke(webhook, { ...input, object }, deps, warnings)
    seenAfter.set(webhook, object)
  }
  for (const webhook of webhooks) {
    if (webhook['reinvocationPolicy'] !== 'IfNeeded' || isDeepStrictEqual(seenAfter.get(webhook), object)) continue
    object = await invoke(webhook, { ...input, object }, deps, warnings)
  }
  return { object, warnings }
}

async function invoke(webhook: Json, input: AdmissionInput, { endpoints, settle }: AdmissionDeps, warnings: string[]) {
  const name = textAt(webhook, 'name')
  try {
    const response = await callWebhook(webhook, reviewOf(input), endpoints)
    if (Array.isArray(response['warnings']))
      warnings.push(...response['warnings'].filter((it) => typeof it === 'string'))
    if (response['allowed'] !== true) throw denial(name, peekAt(response, 'status'))
    const patch = textAt(response, 'patch')
    return patch === '' ? input.object : patched(input.object, patch, settle)
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error
    if (webhook['failurePolicy'] === 'Ignore') return input.object
    throw internal(`failed calling webhook ${JSON.stringify(name)}: ${error.message}`)
  }
}

function patched(object: Json, base64: string, settle: (object: Json) => void): Json {
  const operations = parseJson(Buffer.from(base64, 'base64').toString('utf8'))
  const after = applyJsonPatch(object, operations, (why) => internal(`jsonpatch operation does not apply: ${why}`))
  settle(after)
  return after
}

function denial(webhook: string, status: Json): ApiFailure {
  const said = textAt(status, 'message') || textAt(status, 'reason')
  const why = said === '' ? 'denied the request without explanation' : `denied the request: ${said}`
  const code = typeof status['code'] === 'number' && status['code'] >= 400 ? status['code'] : 400
  return new ApiFailure(code, textAt(status, 'reason'), `admission webhook ${JSON.stringify(webhook)} ${why}`)
}

function webhooksFor(input: AdmissionInput, store: Store): readonly Json[] {
  if (input.resource.group === MUTATING_WEBHOOKS.group) return []
  const namespace = store.find(NAMESPACES, { namespace: undefined, name: input.namespace })
  return store
    .list(MUTATING_WEBHOOKS)
    .flatMap((configuration) => objectsAt(configuration, 'webhooks'))
    .filter((webhook) => objectsAt(webhook, 'rules').some((rule) => ruleMatches(rule, input)))
    .filter((webhook) =>
      matchesLabelSelector(selectorOf(webhook, 'namespaceSelector'), namespace ? labelsOf(namespace) : {}),
    )
    .filter((webhook) => {
      const selector = selectorOf(webhook, 'objectSelector')
      const versions = [input.object, ...(input.oldObject === undefined ? [] : [input.oldObject])]
      return versions.some((version) => matchesLabelSelector(selector, labelsOf(version)))
    })
    .filter((webhook) => meetsConditions(webhook, input.object))
}

const selectorOf = (webhook: Json, key: string): Json | undefined => (isObject(webhook[key]) ? webhook[key] : undefined)

function ruleMatches(rule: Json, { resource, subresource, operation }: AdmissionInput): boolean {
  const has = (key: string, ...values: string[]) => {
    const list = Array.isArray(rule[key]) ? (rule[key] as unknown[]) : []
    return values.some((value) => list.includes(value))
  }
  const { plural, group, version } = resource
  const named =
    subresource === '' ? [plural, '*', '*/*'] : [`${plural}/${subresource}`, `${plural}/*`, `*/${subresource}`, '*/*']
  return (
    has('operations', operation, '*') &&
    has('apiGroups', group, '*') &&
    has('apiVersions', version, '*') &&
    has('resources', ...named)
  )
}

function reviewOf({
  resource,
  subresource,
  operation,
  namespace,
  name,
  user,
  object,
  oldObject,
  dryRun,
}: AdmissionInput) {
  const { group, version, kind, plural } = resource
  const both = { group, version }
  const options = operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions'
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: crypto.randomUUID() as string,
      kind: { ...both, kind },
      resource: { ...both, resource: plural },
      ...(subresource === '' ? {} : { subResource: subresource }),
      requestKind: { ...both, kind },
      requestResource: { ...both, resource: plural },
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation,
      userInfo: user,
      object: { kind, apiVersion: apiVersionOf(resource), ...object },
      oldObject: oldObject ?? null,
      dryRun,
      options: { kind: options, apiVersion: 'meta.k8s.io/v1' },
    },
  }
}
