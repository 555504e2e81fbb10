/** Creating, replacing, patching and deleting, with everything between a request and the store. */
import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../json.ts'
import { apiVersionOf, CONFIG_MAPS, MUTATING_WEBHOOKS, NAMESPACES, PODS, SERVICE_ACCOUNTS } from '../../resources.ts'
import { admit } from './admission.ts'
import type { Answer, ApiContext, Target, WriteRequest } from './context.ts'
import { randomSuffix } from './defaults.ts'
import { badRequest, conflict, invalid, notFound, success } from './failure.ts'
import { knowsConditions } from './match-conditions.ts'
import { type Json, objectAt, objectsAt, peekAt, type StoredObject, textAt } from './object.ts'
import { applyPatchRequest } from './patch.ts'
import { deletePod, schedulePod, settlePod, startPod } from './pod-life.ts'
import { hasGeneration, hasStatus, validate, validateUpdate } from './validate.ts'
import { wireForm } from './watch.ts'

const keyOf = ({ namespace, name }: Pick<Target, 'namespace' | 'name'>) => ({
  namespace: namespace === '' ? undefined : namespace,
  name,
})

export async function createObject(context: ApiContext, request: WriteRequest): Promise<Answer> {
  const { resource, namespace } = request.target
  const object = decode(request)
  const metadata = objectAt(object, 'metadata')
  if (textAt(metadata, 'resourceVersion') !== '')
    throw badRequest('resourceVersion should not be set on objects to be created')
  if (namespace !== '') requireNamespace(context, namespace)
  const given = textAt(metadata, 'name')
  if (given === '' && textAt(metadata, 'generateName') === '') throw nameless(request.target)
  const settle = (it: Json) => resource === PODS && settlePod(context, it, namespace)
  settle(object)
  const about = {
    resource,
    namespace,
    name: given,
    subresource: '',
    operation: 'CREATE',
    oldObject: undefined,
  } as const
  const admitted = await admit({ ...about, user: request.user, object, dryRun: request.dryRun }, { ...context, settle })
  const stored = stamped(context, request.target, admitted.object)
  validate(resource, stored)
  const made = request.dryRun ? dryForm(stored) : context.store.create(resource, stored)
  if (!request.dryRun) follow(context, { ...request.target, name: stored.metadata.name })
  return { status: 201, body: wireForm(resource, made), warnings: admitted.warnings }
}

export async function replaceObject(context: ApiContext, request: WriteRequest): Promise<Answer> {
  const { resource, name } = request.target
  const object = decode(request)
  if (textAt(peekAt(object, 'metadata'), 'name') !== name) {
    throw badRequest(`the name of the object does not match the name on the URL (${name})`)
  }
  const before = context.store.get(resource, keyOf(request.target))
  return change(context, request, before, object)
}

export async function patchObject(
  context: ApiContext,
  request: WriteRequest & { readonly type: string; readonly patch: unknown },
): Promise<Answer> {
  const { resource, name } = request.target
  const before = context.store.get(resource, keyOf(request.target))
  const refuse = (why: string) => invalid(resource, name, [{ field: 'patch', problem: 'Invalid value', value: why }])
  const after = applyPatchRequest(before, request.type, request.patch, refuse)
  // A patch is applied to what is there now, unless it says which version it means.
  const meant = textAt(peekAt(isObject(request.patch) ? request.patch : {}, 'metadata'), 'resourceVersion')
  objectAt(after, 'metadata')['resourceVersion'] = meant
  return change(context, request, before, after)
}

async function change(context: ApiContext, request: WriteRequest, before: StoredObject, asked: Json): Promise<Answer> {
  const { target, user, dryRun } = request
  const { resource, namespace, name, subresource } = target
  const expected = textAt(peekAt(asked, 'metadata'), 'resourceVersion')
  const wanted = merged(target, before, asked)
  const settle = (it: Json) => resource === PODS && subresource === '' && settlePod(context, it, namespace)
  const about = { resource, namespace, name, subresource, operation: 'UPDATE', oldObject: before } as const
  const admitted = await admit({ ...about, user, object: wanted, dryRun }, { ...context, settle })
  const after = {
    ...admitted.object,
    metadata: { ...before.metadata, ...peekAt(admitted.object, 'metadata') },
  } as StoredObject
  validateUpdate(resource, after, before)
  validate(resource, after)
  if (hasGeneration(resource) && !isDeepStrictEqual(after['spec'], before['spec'])) {
    after.metadata.generation = (before.metadata.generation ?? 1) + 1
  }
  const stored = dryRun ? after : context.store.update(resource, after, expected)
  return { status: 200, body: wireForm(resource, stored), warnings: admitted.warnings }
}

/** What may change by this path: the status through `/status`, all else without it. */
function merged({ resource, subresource }: Target, before: StoredObject, asked: Json): Json {
  if (subresource === 'status') return { ...before, status: asked['status'] ?? {} }
  const { deletionTimestamp, deletionGracePeriodSeconds, generation, uid: _kept, ...rest } = before.metadata
  const asking = peekAt(asked, 'metadata')
  const fixed = {
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    ...(generation === undefined ? {} : { generation }),
    name: rest.name,
    ...(rest.namespace === undefined ? {} : { namespace: rest.namespace }),
    creationTimestamp: rest.creationTimestamp,
  }
  const labels = { labels: asking['labels'] ?? {}, annotations: asking['annotations'] ?? {} }
  return {
    ...asked,
    metadata: { ...asking, ...labels, ...fixed },
    ...(hasStatus(resource) ? { status: before['status'] ?? {} } : {}),
  }
}

export function deleteObject(context: ApiContext, { target, body, dryRun }: WriteRequest): Answer {
  const { resource, name } = target
  const { store } = context
  const key = keyOf(target)
  const found = store.get(resource, key)
  const { uid, resourceVersion } = peekAt(body, 'preconditions')
  checkPrecondition(target, 'UID', uid, found.metadata.uid)
  checkPrecondition(target, 'ResourceVersion', resourceVersion, found.metadata.resourceVersion)
  const grace = typeof body['gracePeriodSeconds'] === 'number' ? body['gracePeriodSeconds'] : undefined
  if (dryRun) return { status: 200, body: wireForm(resource, found) }
  if (resource === PODS) return { status: 200, body: wireForm(resource, deletePod(context, key, grace)) }
  store.remove(resource, key)
  return { status: 200, body: success({ name, kind: resource.plural, uid: found.metadata.uid }) }
}

function checkPrecondition({ resource, name }: Target, what: string, wanted: unknown, is: string): void {
  if (wanted === undefined || wanted === null || wanted === is) return
  const asked = typeof wanted === 'string' ? wanted : ''
  throw conflict(
    resource,
    name,
    `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${is}`,
  )
}

/** The body as an object of the kind that belongs to the path. */
function decode({ target: { resource, namespace }, body }: WriteRequest): Json {
  const object = structuredClone(body)
  const [kind, version] = [textAt(object, 'kind'), textAt(object, 'apiVersion')]
  if ((kind !== '' && kind !== resource.kind) || (version !== '' && version !== apiVersionOf(resource))) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.kind}: no kind matches`,
    )
  }
  const metadata = objectAt(object, 'metadata')
  const own = textAt(metadata, 'namespace')
  if (own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (namespace !== '') metadata['namespace'] = namespace
  refuseUnsupported(resource === MUTATING_WEBHOOKS ? object : {})
  return object
}

function refuseUnsupported(configuration: Json): void {
  if (!objectsAt(configuration, 'webhooks').every(knowsConditions))
    throw badRequest('this server evaluates only matchConditions that ask for annotations')
}

function requireNamespace({ store }: ApiContext, name: string): void {
  if (store.find(NAMESPACES, { namespace: undefined, name }) === undefined) throw notFound(NAMESPACES, name)
}

/** With a name of its own, and what the server alone may say. */
function stamped({ clock }: ApiContext, { resource }: Target, object: Json): StoredObject {
  const metadata = objectAt(object, 'metadata')
  metadata['name'] =
    textAt(metadata, 'name') || `${textAt(metadata, 'generateName').slice(0, 58)}${randomSuffix(() => clock.random())}`
  object['kind'] = resource.kind
  object['apiVersion'] = apiVersionOf(resource)
  if (resource === PODS) startPod(object)
  if (resource === NAMESPACES) {
    metadata['labels'] = { ...peekAt(metadata, 'labels'), 'kubernetes.io/metadata.name': metadata['name'] }
    object['status'] = { phase: 'Active' }
  }
  return object as StoredObject
}

const dryForm = (object: StoredObject): StoredObject => ({
  ...object,
  metadata: { ...object.metadata, uid: crypto.randomUUID(), resourceVersion: '' },
})

/** What controllers do about a new object. */
function follow(context: ApiContext, { resource, namespace, name }: Target): void {
  const { store, caPem, scheduler } = context
  if (resource === PODS && scheduler) setImmediate(() => schedulePod(context, { namespace, name }))
  if (resource !== NAMESPACES) return
  const made = (kind: string, own: string, rest: Json) => ({
    apiVersion: 'v1',
    kind,
    metadata: { namespace: name, name: own },
    ...rest,
  })
  store.create(SERVICE_ACCOUNTS, made('ServiceAccount', 'default', {}))
  store.create(CONFIG_MAPS, made('ConfigMap', 'kube-root-ca.crt', { data: { 'ca.crt': caPem } }))
}

const nameless = ({ resource }: Target) =>
  invalid(resource, '', [
    { field: 'metadata.name', problem: 'Required value', detail: 'name or generateName is required' },
  ])
