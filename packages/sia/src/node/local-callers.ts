/**
 * Keeps web pages out: a browser on the same machine reaches the loopback too, and a name that an attacker owns may
 * lead there (DNS rebinding). Whoever sends `Origin`, or names another host than the one it reached, is refused.
 */
import { isIPv4 } from 'node:net'
import { canonicalIp, IdentityError } from '@pallas/identity'

export interface Arrival {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly localAddress?: string | undefined }
}

/** Names of this machine that need no setting. */
const OWN_NAMES: ReadonlySet<string> = new Set(['localhost', '::1'])
const HOST = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::\d{1,5})?$/

/** Throws `WEB_PAGE_REFUSED`. `configured` is the host in the setting that says where to listen. */
export function refuseWebPages({ headers, rawHeaders, socket }: Arrival, configured: string): void {
  if (headers['origin'] !== undefined) throw refused('web pages are not served', 'origin')
  const hosts = rawHeaders.filter((header, n) => n % 2 === 0 && header.toLowerCase() === 'host')
  // Of two the parser takes the first; whoever stands between us and the caller may have taken the other.
  if (hosts.length > 1) throw refused('there are two hosts', 'host')
  const name = hostOf(headers['host'])
  const ours = [configured.toLowerCase(), canonicalIp(withoutPrefix(socket.localAddress))]
  if (name === undefined || !(isLoopback(name) || ours.includes(name))) throw refused('this is another host', 'host')
}

function hostOf(header: Arrival['headers'][string]): string | undefined {
  const [, v6, name] = HOST.exec(typeof header === 'string' ? header : '') ?? []
  return v6 === undefined ? name?.toLowerCase() : canonicalIp(v6)
}

/** A server of both families sees IPv4 in the clothes of IPv6. */
const withoutPrefix = (address = ''): string => address.replace(/^::ffff:(?=\d+\.)/, '')

/** Whether only this machine (in a pod: its containers) can connect there. */
export const isLoopback = (host: string): boolean =>
  OWN_NAMES.has(host) || (isIPv4(host) && host.startsWith('127.'))

const refused = (message: string, header: string) => new IdentityError('WEB_PAGE_REFUSED', message, { header })
