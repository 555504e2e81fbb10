/** The kinds of places: host and port, endpoints, URLs, address blocks. */
import { fail, type Kind } from './kind.ts'

/** Where to listen or connect. `host` is empty for "every interface"; an IPv6 host carries no brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:4443`, `[::1]:4443`, `name:4443`, `:4443`. Port 0 lets the kernel choose. */
export const address: Kind<Address> = { label: 'host:port', parse: parseAddress }

/** The same, for what only this machine should reach: `:4443` is its loopback, and every interface must be named. */
export const localAddress: Kind<Address> = {
  label: 'host:port, or :port of this machine alone',
  parse: (it) => {
    const { host, port } = parseAddress(it)
    return { host: host === '' ? '127.0.0.1' : host, port }
  },
}

export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** `unix://<path>` or `tcp://<host:port>`. */
export const endpoint: Kind<Endpoint> = {
  label: 'unix://path or tcp://host:port',
  parse: (it) => {
    const [, scheme, rest = ''] = /^(unix|tcp):\/\/(.+)$/.exec(it) ?? []
    if (scheme === 'tcp') return { kind: 'tcp', ...parseAddress(rest) }
    if (scheme === 'unix' && !rest.includes('\0')) return { kind: 'unix', path: rest }
    return fail('must look like unix:///path or tcp://host:port')
  },
}

function parseAddress(it: string): Address {
  const [, v6, name, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})$/.exec(it) ?? fail('must look like 127.0.0.1:4443 or :4443')
  return Number(port) <= 65_535 ? { host: v6 ?? name ?? '', port: Number(port) } : fail('must have a port up to 65535')
}

/** An absolute URL without user, query or fragment, kept as text. `protocols` such as `['https']`. */
export function url({ protocols }: { readonly protocols: readonly string[] }): Kind<string> {
  return {
    label: `${protocols.join(' or ')} URL`,
    parse: (it) => {
      const [, protocol = '', authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s]+)(?:\/[^?#\s]*)?$/.exec(it) ?? []
      if (!protocols.includes(protocol)) return fail(`must look like ${protocols[0]}://host:port/path`)
      parseAddress(/:\d+$/.test(authority) ? authority : `${authority}:0`)
      return it
    },
  }
}

/** An address block: its text and how many leading bits count. */
export interface Cidr {
  readonly text: string
  readonly bits: number
}

/** `10.0.0.0/8`, `fd00::/8`; the form is checked here, the address by whoever compares with it. */
export const cidr: Kind<Cidr> = {
  label: 'CIDR',
  parse: (it) => {
    const [, v4, v6, bits] = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|([0-9a-fA-F:]*:[0-9a-fA-F:.]*))\/(\d{1,3})$/.exec(it) ?? []
    const limit = v4 !== undefined && v4.split('.').every((part) => Number(part) <= 255) ? 32 : v6 === undefined ? -1 : 128
    return bits !== undefined && Number(bits) <= limit ? { text: it, bits: Number(bits) } : fail('must look like 10.0.0.0/8')
  },
}
