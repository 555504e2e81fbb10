import { IdentityError } from '@pallas/identity'
import {
  type AdmissionAnswer,
  type AdmissionRequest,
  allowReview,
  denyReview,
  isKubernetesError,
  parseAdmissionReview,
} from '@pallas/kubernetes'
import type { Clock } from '@pallas/runtime'
import type { FastifyInstance } from 'fastify'
import { countBodies } from './body-lanes.ts'
import { decide, type Generations } from './decide.ts'
import type { InitializerEvents } from './events.ts'
import type { Injection, InjectionRules } from './inject.ts'
import { fieldOf, isFields } from './json.ts'
import { podPartsOf } from './pod.ts'
import { type ReviewBody, takeReviews } from './review-body.ts'

export interface AdmissionDeps {
  readonly templates: Generations
  readonly rules: InjectionRules
  readonly clock: Pick<Clock, 'sleep'>
  readonly events: Pick<InitializerEvents, 'podPatched' | 'podUntouched' | 'podSkipped' | 'podRefused'>
}

/**
 * `POST /mutate`: an `admission.k8s.io/v1` review in, its answer out; 400 `BODY_INVALID` for what is no review. A pod that
 * cannot be taken is denied in the answer, whose message its maker sees.
 */
export function admissionRoutes(app: FastifyInstance, deps: AdmissionDeps): void {
  app.register(async (routes) => {
    countBodies(routes, deps)
    takeReviews(routes)
    routes.post<{ Body: ReviewBody | undefined }>('/mutate', async ({ body }) => {
      const request = requestIn(body?.json)
      return review(request, () => injectionOf(request, body?.hasPrototypeKeys === true, deps), deps)
    })
  })
}

function requestIn(body: unknown): AdmissionRequest {
  try {
    return parseAdmissionReview(body)
  } catch (cause) {
    if (!isKubernetesError(cause, 'KUBE_BAD_REVIEW')) throw cause
    throw new IdentityError('BODY_INVALID', 'not an admission review', cause.fields, { cause })
  }
}

async function injectionOf({ object }: AdmissionRequest, hasPrototypeKeys: boolean, { templates, rules }: AdmissionDeps): Promise<Injection> {
  try {
    return await decide({ ...podPartsOf(object), hasPrototypeKeys }, templates, rules)
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    return { kind: 'refused', reason: error.code, message: `${error.message}: ${String(error.fields['path'])}` }
  }
}

async function review(request: AdmissionRequest, injection: () => Promise<Injection>, { events }: AdmissionDeps): Promise<AdmissionAnswer> {
  const pod = podNameOf(request)
  if (!isNewPod(request)) return allowReview(request)
  const result = await injection()
  switch (result.kind) {
    case 'patched':
      events.podPatched(pod)
      return allowReview(request, { patch: result.patch })
    case 'refused':
      events.podRefused(pod, result.reason, result.message)
      return denyReview(request, { message: `${result.message} (${result.reason})`, reason: result.reason })
    case 'untouched':
      if (result.skipped === undefined) {
        events.podUntouched(pod)
        return allowReview(request)
      }
      events.podSkipped(pod, result.skipped)
      return allowReview(request, { warnings: [result.skipped] })
  }
}

/** A webhook may be registered for more than it is meant for: the rest passes as it is. */
const isNewPod = ({ operation, resource, subResource }: AdmissionRequest): boolean =>
  operation === 'CREATE' && resource.group === '' && resource.version === 'v1' && resource.name === 'pods' && subResource === ''

/** No name is longer; what comes here has not been checked yet. */
const NAME_LIMIT = 253

/** For the log: the name may still be made by the server from `generateName`. */
function podNameOf({ namespace, name, object }: AdmissionRequest): string {
  const metadata = object === undefined ? undefined : fieldOf(object, 'metadata')
  const prefix = isFields(metadata) ? fieldOf(metadata, 'generateName') : undefined
  const shown = name || (typeof prefix === 'string' ? `${prefix.slice(0, NAME_LIMIT)}?` : '?')
  return `${namespace.slice(0, NAME_LIMIT)}/${shown.slice(0, NAME_LIMIT + 1)}`
}
