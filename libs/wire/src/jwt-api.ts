/** What the identity agent asks of the JWT service, over mutual TLS: a signed document for one pod. */
import { invalid, membersOf, membersOfBody, optionalText, textOf } from './body.ts'
import { isPodUid } from './volume-layout.ts'

export const JWT_ROUTES = { jwt: '/v1/jwt' } as const

/**
 * Body of `POST /v1/jwt`. The inner keys are capitalised, as the original's; they are read without regard to case.
 * `UID` is ours: when it is there, the pod that the API server shows must have it.
 */
export interface JwtRequest {
  readonly subject: {
    /** `<namespace>/<pod name>` */
    readonly ID: string
    readonly Domain: string
    readonly Service: string
    readonly IP: string
    readonly UID?: string
  }
}

export interface JwtAnswer {
  readonly jwt: string
}

/** The pod that an agent asks a document for, in the agent's words. */
export interface SubjectRequest {
  readonly namespace: string
  readonly name: string
  readonly domain: string
  readonly service: string
  readonly ip: string
  readonly uid: string | undefined
}

export const jwtRequest = ({ namespace, name, domain, service, ip, uid }: SubjectRequest): JwtRequest => ({
  subject: {
    ID: `${namespace}/${name}`,
    Domain: domain,
    Service: service,
    IP: ip,
    ...(uid === undefined ? {} : { UID: uid }),
  },
})

const ID = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/
const MAX_TEXT = 512

/** Throws `BODY_INVALID`. `body` is text, UTF-8 bytes, or already parsed. */
export function parseJwtRequest(body: unknown): SubjectRequest {
  const subject = membersOf(membersOfBody(body).get('subject'), 'subject')
  const [, namespace, name] = ID.exec(textOf(subject, 'id', MAX_TEXT)) ?? []
  if (namespace === undefined || name === undefined) throw invalid('not the name of a pod', { name: 'id' })
  const uid = optionalText(subject, 'uid', MAX_TEXT)
  if (uid !== undefined && !isPodUid(uid)) throw invalid('not the uid of a pod', { name: 'uid' })
  const text = (member: string) => textOf(subject, member, MAX_TEXT)
  return { namespace, name, domain: text('domain'), service: text('service'), ip: text('ip'), uid }
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MAX_DOCUMENT = 16_384

/** The document, a compact JWS. Throws `BODY_INVALID`, never showing it. */
export function parseJwtAnswer(body: unknown): string {
  const document = textOf(membersOfBody(body), 'jwt', MAX_DOCUMENT)
  if (COMPACT.test(document)) return document
  throw invalid('not a compact jws', { name: 'jwt' })
}
