/** The scope of an access token: one domain, some or all of its roles, a service for an id token (`zts.md` 8). */
import { Refusal } from '../answer.ts'
import { checkName } from '../schema.ts'

export interface Scope {
  readonly domain: string
  /** Undefined stands for all that the caller has. */
  readonly roles: readonly string[] | undefined
  readonly openid: boolean
  /** Whom an id token would be for. */
  readonly service: string | undefined
  /** Whether the answer says which roles these are: it must when all were asked for. */
  readonly isWholeDomain: boolean
}

/** `text` in lower case. Items of no known form are passed over, like every ZTS does. */
export function readScope(text: string): Scope {
  const items = text.split(' ').filter((item) => item !== '')
  const named = items.flatMap((item) => itemOf(item) ?? [])
  const domain = theOne(named.map((item) => item.domain), 'Multiple domains in scope')
  if (domain === undefined) throw new Refusal(400, 'No domains in scope')
  const isWholeDomain = named.some(({ kind }) => kind === 'domain')
  const roles = namesOf(named, 'role').map((role) => checkName(role, 'CompoundName', 'EntityName'))
  return {
    domain: checkName(domain, 'CompoundName', 'DomainName'),
    roles: isWholeDomain || roles.length === 0 ? undefined : roles,
    openid: items.includes('openid'),
    service: theOne(namesOf(named, 'service'), 'Multiple services in scope'),
    isWholeDomain,
  }
}

interface ScopeItem {
  readonly kind: 'domain' | 'role' | 'service'
  readonly domain: string
  readonly name: string
}

/** Looked at in this order. */
const FORMS = [/^(.*?):(service)\.(.*)$/, /^(.*):(domain)$/, /^(.*?):(role)\.(.*)$/]

function itemOf(text: string): ScopeItem | undefined {
  const [, domain, kind, name = ''] = FORMS.map((form) => form.exec(text)).find((found) => found !== null) ?? []
  if (domain === '') throw new Refusal(400, 'empty domain name')
  if (domain === undefined || (kind !== 'domain' && kind !== 'role' && kind !== 'service')) return undefined
  return { kind, domain, name }
}

const namesOf = (items: readonly ScopeItem[], wanted: ScopeItem['kind']): string[] => [
  ...new Set(items.flatMap(({ kind, name }) => (kind === wanted ? [name] : []))),
]

function theOne(names: readonly string[], problem: string): string | undefined {
  const [first, ...more] = new Set(names)
  if (more.length > 0) throw new Refusal(400, problem)
  return first
}
