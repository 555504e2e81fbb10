/** Which roles of which domains are asked for, and in which files what is got for them lies. */
import { fail, type Kind } from '@pallas/config'

export interface Target {
  readonly domain: string
  /** Undefined: all roles of the domain, which only a token can be for. */
  readonly role: string | undefined
}

const SIMPLE_NAME = '[a-zA-Z0-9_][a-zA-Z0-9_-]*'
/** Domains and roles alike (spec/zts.md 1): no `/`, nothing that begins with a dot. */
const COMPOUND_NAME = new RegExp(`^(?:${SIMPLE_NAME}\\.)*${SIMPLE_NAME}$`)
const MAX_NAME = 255

export const isCompoundName = (text: string): boolean => text.length <= MAX_NAME && COMPOUND_NAME.test(text)

const ROLE = ':role.'

export const target: Kind<Target> = {
  label: 'domain:role.name or domain',
  parse: (it) => {
    const cut = it.indexOf(ROLE)
    const domain = cut < 0 ? it : it.slice(0, cut)
    const role = cut < 0 ? undefined : it.slice(cut + ROLE.length)
    if (isCompoundName(domain) && (role === undefined || isCompoundName(role))) return { domain, role }
    return fail('must look like media.on-air:role.reader or media.on-air')
  },
}

/** `<domain>:role.<role>`, or the domain. */
export const nameOf = ({ domain, role }: Target): string => (role === undefined ? domain : `${domain}${ROLE}${role}`)

const PLACEHOLDER = /\{\{(.*?)\}\}/g
const KNOWN: ReadonlySet<string> = new Set(['domain', 'delimiter', 'role'])

/** A path with `{{domain}}`, `{{delimiter}}` and `{{role}}` in it, for a file of each target. */
export const namingFormat: Kind<string> = {
  label: 'path with {{domain}}, {{delimiter}}, {{role}}',
  parse: (it) => {
    const unknown = [...it.matchAll(PLACEHOLDER)].find(([, name = '']) => !KNOWN.has(name))
    if (unknown !== undefined) return fail('may hold {{domain}}, {{delimiter}} and {{role}}, and nothing else in braces')
    return it === '' || it.includes('\0') ? fail('must be a path') : it
  },
}

/** Stands between domain and role in the name of a file. */
export const delimiter: Kind<string> = {
  label: 'text without a slash',
  parse: (it) => (/^[^/\0]{0,32}$/.test(it) ? it : fail('must be short and hold no slash')),
}

/** The format with what it stands for; without a role there is no delimiter either. */
export const fileFor = (format: string, { domain, role }: Target, between: string): string => {
  const values = new Map([
    ['domain', domain],
    ['delimiter', role === undefined ? '' : between],
    ['role', role ?? ''],
  ])
  return format.replace(PLACEHOLDER, (_whole, name: string) => values.get(name) ?? '')
}
