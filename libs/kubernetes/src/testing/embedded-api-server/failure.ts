/** Refusals as a real API server words them: a `Status` object with code, reason and message. */
import type { Resource } from '../../resources.ts'

export interface StatusBody {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Failure' | 'Success'
  readonly message?: string
  readonly reason?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly code: number
}

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: StatusBody

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message)
    const rest = { message, ...(reason === '' ? {} : { reason }), ...(details === undefined ? {} : { details }), code }
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...rest }
  }
}

/** `pods`, `leases.coordination.k8s.io`. */
export const qualified = ({ plural, group }: Resource): string => (group === '' ? plural : `${plural}.${group}`)

const detailsOf = (resource: Resource, name: string) => ({
  name,
  ...(resource.group === '' ? {} : { group: resource.group }),
  kind: resource.plural,
})

export const notFound = (resource: Resource, name: string) =>
  new ApiFailure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name))

export const noRoute = () => new ApiFailure(404, 'NotFound', 'the server could not find the requested resource')

export const alreadyExists = (resource: Resource, name: string) =>
  new ApiFailure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, detailsOf(resource, name))

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export const conflict = (resource: Resource, name: string, why: string) =>
  new ApiFailure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  )

export const unauthorized = () => new ApiFailure(401, 'Unauthorized', 'Unauthorized')

export const forbidden = (resource: Resource, name: string, why: string) =>
  new ApiFailure(
    403,
    'Forbidden',
    `${qualified(resource)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    detailsOf(resource, name),
  )

/** One problem of one field: `Invalid value`, `Required value`, `Duplicate value`, `Forbidden`, `Not found`. */
export interface FieldProblem {
  readonly field: string
  readonly problem: 'Invalid value' | 'Required value' | 'Duplicate value' | 'Forbidden' | 'Not found'
  readonly value?: string
  readonly detail?: string
}

export function invalid({ kind, group }: Resource, name: string, problems: readonly FieldProblem[]): ApiFailure {
  const texts = problems.map(({ field, problem, value, detail }) =>
    [
      field,
      problem,
      ...(value === undefined ? [] : [JSON.stringify(value)]),
      ...(detail === undefined ? [] : [detail]),
    ].join(': '),
  )
  const all = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`
  const qualifiedKind = group === '' ? kind : `${kind}.${group}`
  return new ApiFailure(422, 'Invalid', `${qualifiedKind} "${name}" is invalid: ${all}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes: problems.map(({ field, problem }, i) => ({
      reason: `FieldValue${problem.replaceAll(/ value| /g, '')}`,
      message: texts[i],
      field,
    })),
  })
}

export const badRequest = (message: string) => new ApiFailure(400, 'BadRequest', message)

export const expired = (message: string) => new ApiFailure(410, 'Expired', message)

export const internal = (message: string) =>
  new ApiFailure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

export const notAllowed = () =>
  new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')

export const unsupportedType = (what: string) =>
  new ApiFailure(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - ${what}`)

export const tooLarge = (limit: number) =>
  new ApiFailure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)

export const success = (details?: Readonly<Record<string, unknown>>): StatusBody => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details === undefined ? {} : { details }),
  code: 200,
})
