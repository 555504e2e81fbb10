/** The pod that a document speaks of, as the URI `pod:<ns>/<name>?d=<domain>&n=<service>&i=<pod ip>`. */
import { IdentityError } from './error.ts'

export interface PodSubject {
  readonly namespace: string
  readonly name: string
  readonly domain: string
  readonly service: string
  readonly ip: string
}

/** Throws `DOCUMENT_MALFORMED` when a part is missing. */
export function formatSubject({ namespace, name, domain, service, ip }: PodSubject): string {
  if ([namespace, name, domain, service, ip].includes('')) throw malformed('a part of the subject is missing')
  return `pod:${namespace}/${name}?d=${escapeQuery(domain)}&n=${escapeQuery(service)}&i=${escapeQuery(ip)}`
}

const SUBJECT = /^pod:([^/?&=]+)\/([^/?&=]+)\?d=([^&=]+)&n=([^&=]+)&i=([^&=]+)$/

/** Takes exactly what `formatSubject` makes: anything else, however close, is `DOCUMENT_MALFORMED`. */
export function parseSubject(text: string): PodSubject {
  const [, namespace, name, ...query] = SUBJECT.exec(text) ?? []
  if (namespace === undefined || name === undefined) throw malformed('not a pod subject')
  const [domain, service, ip] = query.map(unescapeQuery) as [string, string, string]
  const subject = { namespace, name, domain, service, ip }
  if (formatSubject(subject) !== text) throw malformed('not the canonical spelling of a pod subject')
  return subject
}

/** Go's `url.QueryEscape`, which the original used: a blank is `+`, and `!'()*` are escaped too. */
const escapeQuery = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    throw malformed('a part of the subject is badly escaped')
  }
}

const malformed = (message: string) => new IdentityError('DOCUMENT_MALFORMED', message)
