/**
 * The few metrics of k8s-athenz-sia that alerts are made from, under the names and with the labels they have there, so
 * that a fleet that moves keeps its alerts. What its embedded exporter tells besides is not repeated.
 */
import type { Metrics } from '@pallas/runtime'
import type { Member } from '../companions.ts'
import { type Look, TOKEN_KINDS } from './look.ts'

const TYPE_OF = { 'access-token': 'accesstoken', 'role-token': 'roletoken' } as const

export function createForeignMetrics(metrics: Metrics, isCertificate: (path: string) => boolean): Look {
  const looks = [certificates(metrics, isCertificate), tokens(metrics), cache(metrics)]
  return (seen) => {
    for (const look of looks) look(seen)
  }
}

function certificates(metrics: Metrics, isCertificate: (path: string) => boolean): Look {
  const notAfter = metrics.gauge({
    name: 'x509_cert_not_after',
    isForeign: true,
    help: 'When the certificate in a file ends, seconds since the epoch.',
    labels: ['filename', 'filepath', 'subject_CN'],
  })
  return ({ members }) => {
    notAfter.reset()
    for (const { kind, name, life, paths } of members) {
      if ((kind !== 'service-certificate' && kind !== 'role-certificate') || life === undefined) continue
      for (const path of paths.filter(isCertificate)) notAfter.set(labelsOf(path, name), life.notAfter / 1_000)
    }
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

const labelsOf = (path: string, name: string) => ({ filename: nameOf(path), filepath: path, subject_CN: name })

function tokens(metrics: Metrics): Look {
  const expiresIn = metrics.gauge({
    name: 'token_expires_in_seconds',
    isForeign: true,
    help: 'How long a token that the settings name still lives; negative when it has ended.',
    labels: ['type', 'domain', 'role'],
  })
  return ({ members, now }) => {
    expiresIn.reset()
    for (const { kind, name, life } of members) {
      if ((kind !== 'access-token' && kind !== 'role-token') || life === undefined) continue
      expiresIn.set({ type: TYPE_OF[kind], ...targetOf(name) }, Math.floor((life.notAfter - now) / 1_000))
    }
  }
}

/** `<domain>:role.<role>`, or `<domain>` for all roles. */
function targetOf(name: Member['name']): { domain: string; role: string } {
  const [domain = '', role = ''] = name.split(':role.')
  return { domain, role }
}

function cache(metrics: Metrics): Look {
  const labels = ['type'] as const
  const as = { isForeign: true, labels } as const
  const entries = metrics.gauge({ ...as, name: 'cached_token_entries', help: 'Tokens that are held.' })
  const bytes = metrics.gauge({ ...as, name: 'cached_token_bytes', help: 'Bytes of the tokens that are held.' })
  return ({ held }) => {
    for (const kind of TOKEN_KINDS) {
      entries.set({ type: TYPE_OF[kind] }, held[kind].entries)
      bytes.set({ type: TYPE_OF[kind] }, held[kind].bytes)
    }
  }
}
