/** Reading the body of `POST /v1/jwt` as the original did: names in any case, unknown ones ignored. */
import { IdentityError } from '@pallas/identity'
import { isPodUid } from '@pallas/wire'

/** The pod that an agent asks a document for, in the agent's words. */
export interface SubjectRequest {
  readonly namespace: string
  readonly name: string
  readonly domain: string
  readonly service: string
  readonly ip: string
  readonly uid: string | undefined
}

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const POD_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
const LONGEST = 512

/** Throws `BODY_INVALID`, naming the member in `fields`. */
export function parseSubjectRequest(body: unknown): SubjectRequest {
  const subject = membersOf(membersOf(body, 'body').get('subject'), 'subject')
  const text = (member: string): string => {
    const value = subject.get(member)
    if (typeof value === 'string' && value !== '' && value.length <= LONGEST) return value
    throw invalid(member)
  }
  const [namespace = '', name = '', ...rest] = text('id').split('/')
  if (rest.length > 0 || !NAMESPACE.test(namespace) || !POD_NAME.test(name)) throw invalid('id')
  const uid = subject.has('uid') ? text('uid') : undefined
  if (uid !== undefined && !isPodUid(uid)) throw invalid('uid')
  return { namespace, name, domain: text('domain'), service: text('service'), ip: text('ip'), uid }
}

/** By lower-case name. One said twice in different cases is refused: two readers could take either. */
function membersOf(value: unknown, where: string): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where)
  const members = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value)) {
    const key = name.toLowerCase()
    if (members.has(key)) throw invalid(where)
    members.set(key, member)
  }
  return members
}

const invalid = (member: string) => new IdentityError('BODY_INVALID', 'not a request for a document', { member })
