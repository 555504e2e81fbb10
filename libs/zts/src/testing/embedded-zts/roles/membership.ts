/** Which roles of a domain a caller gets, alone or for somebody else (spec `zts.md` 7, 8 and 10). */
import { Refusal } from '../answer.ts'
import { matches } from '../authorise.ts'
import type { Principal } from '../principal.ts'
import { own, type ZtsDomain, type ZtsWorld } from '../world.ts'

export interface RoleWish {
  readonly domain: string
  /** Undefined stands for all that there are. */
  readonly roles: readonly string[] | undefined
  readonly proxyForPrincipal: string | undefined
  /** The texts in which the three calls differ. */
  readonly says: {
    /** Name of the call. */
    readonly api: string
    /** Before most of its texts. */
    readonly prefix: string
    readonly noProxy: (principal: string) => string
  }
}

export interface RoleGrant {
  readonly domain: ZtsDomain
  /** Whose roles they are. */
  readonly principal: string
  /** Who asked, when that is somebody else. */
  readonly proxy: string | undefined
  readonly roles: readonly string[]
}

/** At least one role; throws 403 for none, or for somebody else without leave, 404 for a domain that is none. */
export function grantRoles(world: ZtsWorld, principal: Principal, wish: RoleWish): RoleGrant {
  const grant = grantOf(world, principal.name, wish)
  const held = principal.roles
  // Whoever comes with a role certificate gets no more than that role.
  if (held === undefined || grant.roles.every((role) => held.includes(`${wish.domain}:role.${role}`))) return grant
  throw new Refusal(403, `${wish.says.prefix}Role based Principal does not include all roles`)
}

function grantOf(world: ZtsWorld, name: string, wish: RoleWish): RoleGrant {
  const { proxyForPrincipal, says } = wish
  if (proxyForPrincipal !== undefined && !world.proxyUsers.includes(name)) throw new Refusal(403, says.noProxy(name))
  const domain = own(world.domains, wish.domain)
  if (domain === undefined) throw new Refusal(404, `${says.prefix}No such domain: ${wish.domain}`)
  const mine = someOf(rolesOf(domain, name, wish.roles), name, wish)
  if (proxyForPrincipal === undefined) return { domain, principal: name, proxy: undefined, roles: mine }
  const theirs = rolesOf(domain, proxyForPrincipal, wish.roles)
  const shared = mine.filter((role) => theirs.includes(role))
  return { domain, principal: proxyForPrincipal, proxy: name, roles: someOf(shared, proxyForPrincipal, wish) }
}

const rolesOf = ({ roles }: ZtsDomain, principal: string, asked: readonly string[] | undefined): string[] =>
  Object.entries(roles).flatMap(([role, members]) => {
    const isMember = members.some((member) => matches(member, principal))
    return isMember && (asked === undefined || asked.includes(role)) ? [role] : []
  })

function someOf(roles: readonly string[], principal: string, { domain, roles: asked, says }: RoleWish) {
  if (roles.length > 0) return roles
  const which = asked === undefined ? 'any role' : 'the requested role(s)'
  throw new Refusal(403, `${says.api}: principal ${principal} is not included in ${which} in domain ${domain}`)
}

export type RoleLimit = 'certExpiryMinutes' | 'tokenExpiryMinutes'

/** The least that a role among them is limited to; else what the domain says, undefined for no limit at all. */
export function limitOf({ domain, roles }: RoleGrant, limit: RoleLimit): number | undefined {
  const stated = roles.flatMap((role) => own(domain.roleSettings, role)?.[limit] ?? []).filter((minutes) => minutes > 0)
  if (stated.length > 0) return Math.min(...stated)
  return limit === 'certExpiryMinutes' ? domain.roleCertExpiryMinutes : domain.tokenExpiryMinutes
}
