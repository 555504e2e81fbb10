/** The pod that a document speaks of, as the URI `pod:<ns>/<name>?d=<domain>&n=<service>&i=<pod ip>`. */
import { IdentityError } from './error.ts'
import { canonicalIp } from './ip.ts'
import { type NameRules, workloadOf } from './names.ts'
import type { Pod } from './pod.ts'

export interface PodSubject {
  readonly namespace: string
  readonly name: string
  readonly domain: string
  readonly service: string
  readonly ip: string
}

/**
 * The subject of a pod as it is now. Throws as `workloadOf`; a pod on its host's network has that host's address here,
 * whether or not its certificate may carry it.
 */
export function subjectOf(pod: Pod, rules: NameRules): PodSubject {
  const { domain, service } = workloadOf(pod, rules)
  const ip = canonicalIp(pod.ip)
  if (ip === undefined) throw new IdentityError('POD_IP_PENDING', 'pod has no usable address yet', { ip: pod.ip })
  return { namespace: pod.namespace, name: pod.name, domain, service, ip }
}

/** Throws `DOCUMENT_MALFORMED` when a part is missing, or the pod's name is none. */
export function formatSubject({ namespace, name, domain, service, ip }: PodSubject): string {
  if ([domain, service, ip].includes('')) throw malformed('a part of the subject is missing')
  if (!LABEL.test(namespace) || !NAME.test(name)) throw malformed('not the name of a pod')
  return `pod:${namespace}/${name}?d=${escapeQuery(domain)}&n=${escapeQuery(service)}&i=${escapeQuery(ip)}`
}

/** The original does not escape these two, so nothing that needs it may be in them. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
const SUBJECT = /^pod:([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})\?d=([^&=]+)&n=([^&=]+)&i=([^&=]+)$/

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
function escapeQuery(text: string): string {
  if (!text.isWellFormed()) throw malformed('a part of the subject is not unicode')
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    throw malformed('a part of the subject is badly escaped')
  }
}

const malformed = (message: string) => new IdentityError('DOCUMENT_MALFORMED', message)
