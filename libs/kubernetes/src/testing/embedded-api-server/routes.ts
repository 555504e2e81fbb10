/** From a path and a verb to what the server does: authentication and authorization come before everything else. */
import type { User } from './authn.ts'
import { authorize } from './authz.ts'
import { type Answer, type ApiContext, RESOURCES, type Target } from './context.ts'
import { badRequest, noRoute, notAllowed, success } from './failure.ts'
import type { ListRequest, Lists } from './lists.ts'
import { type Json, peekAt, textAt } from './object.ts'
import { bindPod } from './pod-life.ts'
import { answerAccessReview, answerTokenRequest, answerTokenReview } from './reviews.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import { timeoutOf, type WatchRequest, wireForm } from './watch.ts'
import { createObject, deleteObject, patchObject, replaceObject } from './writes.ts'

export interface Call {
  readonly method: string
  readonly url: URL
  readonly contentType: string
  readonly body: unknown
}

export type Outcome = { readonly answer: Answer } | { readonly watch: WatchRequest }

const SUBRESOURCES: Readonly<Record<string, readonly string[]>> = {
  pods: ['status', 'binding', 'eviction'],
  nodes: ['status'],
  namespaces: ['status'],
  serviceaccounts: ['token'],
}

/** Undefined for a path that is no resource of this server. */
export function targetOf(path: string): Target | undefined {
  const segments = path.split('/').map(decodeSegment)
  if (segments.includes(undefined)) return undefined
  const [, root, ...rest] = segments.map((segment = '') => segment)
  const [group, version, ...parts] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : []
  const scoped = parts[0] === 'namespaces' && parts.length > 2 && !SUBRESOURCES['namespaces']?.includes(parts[2] ?? '')
  const [namespace = '', plural, name = '', subresource = '', ...more] = scoped ? parts.slice(1) : ['', ...parts]
  const resource = RESOURCES.find((it) => it.group === group && it.version === version && it.plural === plural)
  if (resource === undefined || more.length > 0 || (scoped && !resource.namespaced)) return undefined
  if (subresource !== '' && !SUBRESOURCES[resource.plural]?.includes(subresource)) return undefined
  if (resource.namespaced && name !== '' && namespace === '') return undefined
  return { resource, namespace, name, subresource }
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

export async function dispatch(context: ApiContext, lists: Lists, call: Call, user: User): Promise<Outcome> {
  const target = targetOf(call.url.pathname)
  if (target === undefined) throw noRoute()
  const verb = verbOf(call, target)
  const { resource, namespace, name, subresource } = target
  const attributes = { verb, group: resource.group, resource: resource.plural, subresource, name, namespace }
  authorize(context.rules(), user, attributes, resource)
  if (verb === 'list') return { answer: { status: 200, body: lists.answer(listRequestOf(target, call.url)) } }
  if (verb === 'watch') return { watch: watchRequestOf(target, call.url) }
  return { answer: await serve(context, { verb, target, call, user }) }
}

function verbOf({ method, url }: Call, { name }: Target): string {
  const watch = ['true', '1'].includes(url.searchParams.get('watch') ?? '')
  if (method === 'GET') return name !== '' ? 'get' : watch ? 'watch' : 'list'
  if (method === 'POST') return 'create'
  if (name === '') throw notAllowed()
  const verb = { PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method]
  if (verb === undefined) throw notAllowed()
  return verb
}

interface Served {
  readonly verb: string
  readonly target: Target
  readonly call: Call
  readonly user: User
}

async function serve(context: ApiContext, { verb, target, call, user }: Served): Promise<Answer> {
  const { resource, namespace, name, subresource } = target
  const key = { namespace: namespace === '' ? undefined : namespace, name }
  if (verb === 'get') return { status: 200, body: wireForm(resource, context.store.get(resource, key)) }
  const dryRun = call.url.searchParams.get('dryRun') === 'All'
  const body = objectOf(call.body)
  const request = { target, user, body, dryRun }
  if (verb === 'create') {
    if (resource.plural === 'tokenreviews') return answerTokenReview(context, body)
    if (resource.plural === 'subjectaccessreviews') return answerAccessReview(context, body)
    if (subresource === '' && name === '') return createObject(context, request)
    return createSub(context, request)
  }
  if (subresource !== '' && subresource !== 'status') throw notAllowed()
  if (verb === 'update') return replaceObject(context, request)
  if (verb === 'patch') return patchObject(context, { ...request, type: call.contentType, patch: call.body })
  if (subresource !== '') throw notAllowed()
  return deleteObject(context, { ...request, body: { ...graceOf(call.url), ...body } })
}

async function createSub(context: ApiContext, request: Parameters<typeof deleteObject>[1]): Promise<Answer> {
  const { target, body } = request
  const { namespace, name, subresource } = target
  switch (subresource) {
    case 'token':
      return answerTokenRequest(context, target, body)
    case 'binding':
      bindPod(context, { namespace, name }, textAt(peekAt(body, 'target'), 'name'))
      return { status: 201, body: { ...success(), code: 201 } }
    case 'eviction':
      deleteObject(context, { ...request, body: peekAt(body, 'deleteOptions') })
      return { status: 201, body: { ...success(), code: 201 } }
    default:
      throw notAllowed()
  }
}

const objectOf = (body: unknown): Json =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Json) : {}

const graceOf = (url: URL): Json => {
  const text = url.searchParams.get('gracePeriodSeconds')
  return text !== null && /^\d{1,9}$/.test(text) ? { gracePeriodSeconds: Number(text) } : {}
}

function selectionOf({ namespace, resource }: Target, { searchParams }: URL) {
  const byLabel = parseLabelSelector(searchParams.get('labelSelector') ?? '')
  const byField = parseFieldSelector(searchParams.get('fieldSelector') ?? '')
  const selects = (object: Json) => byLabel(object) && byField(object)
  return { resource, namespace: namespace === '' ? undefined : namespace, selects }
}

function listRequestOf(target: Target, url: URL): ListRequest {
  const limit = url.searchParams.get('limit') ?? '0'
  if (!/^\d{1,9}$/.test(limit))
    throw badRequest(`Invalid value: ${JSON.stringify(limit)}: strconv.ParseInt: invalid syntax`)
  return { ...selectionOf(target, url), limit: Number(limit), token: url.searchParams.get('continue') ?? '' }
}

const watchRequestOf = (target: Target, url: URL): WatchRequest => ({
  ...selectionOf(target, url),
  resourceVersion: url.searchParams.get('resourceVersion') ?? '',
  timeoutMs: timeoutOf(url.searchParams.get('timeoutSeconds') ?? undefined),
  bookmarks: url.searchParams.get('allowWatchBookmarks') === 'true',
})
