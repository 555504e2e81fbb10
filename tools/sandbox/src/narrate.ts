/** Turns what the parties report into moments of the timeline. */
import type { CallRecord } from '@pallas/kubernetes/testing'
import type { ZtsCall } from '@pallas/zts/testing'
import type { ClusterEvents } from './events.ts'
import { type Account, ACCOUNTS, userOf } from './names.ts'
import type { Moment, Timeline } from './timeline.ts'

type Record_ = Readonly<Record<string, unknown>>

export function narrator(timeline: Timeline): ClusterEvents {
  const tell = (moment: Moment | undefined) => (moment === undefined ? undefined : timeline.tell(moment))
  return {
    up: (name, ms) => tell({ from: name, what: 'ready', ms }),
    down: (name, exitCode) => tell({ from: name, what: 'ended, though nobody asked it to', outcome: `exit ${exitCode}` }),
    pod: ({ namespace, name }, step, detail) => tell(podMoment(`${namespace}/${name}`, step, detail)),
    zts: (call) => ztsMoments(call).forEach(tell),
    api: (call) => tell(apiMoment(call)),
    log: (program, record) => tell(logMoment(program, record)),
  }
}

function podMoment(pod: string, step: string, detail: string | undefined): Moment | undefined {
  const shown = /mounted$|failed$|running$|terminated$|^deleted$/.test(step)
  return shown ? { from: 'kubelet', what: `${pod}: ${step}`, ...(detail === undefined ? {} : { outcome: detail }) } : undefined
}

function ztsMoments(call: ZtsCall): Moment[] {
  const { operation, domain, service, roles, status, durationMs, callback, principal } = call
  if (roles !== undefined && domain !== undefined) {
    const what = `${operation} ${domain}:role.${roles.join()}, as ${principal ?? 'nobody'}`
    return [{ from: 'sia', to: 'zts', what, outcome: said(status), ms: durationMs }]
  }
  if (operation === 'status' || domain === undefined || service === undefined) return []
  const name = `${domain}.${service}`
  const from = operation === 'refresh-service' ? 'control-sia' : operation === 'delete' ? 'callback' : 'identity-agent'
  const asked: Moment[] = callback === undefined ? [] : [{ from: 'zts', to: 'callback', what: `is ${name} true?`, outcome: said(callback.status), ms: callback.durationMs }]
  const what = `${operation} ${name}${principal === undefined || principal === name ? '' : ` as ${principal}`}`
  return [...asked, { from, to: 'zts', what, outcome: said(status), ms: durationMs }]
}

const said = (status: number | undefined): string => {
  if (status === undefined) return 'no answer'
  return status < 300 ? `yes (${status})` : `no (${status})`
}

const PROGRAM_OF = new Map<string, string>(ACCOUNTS.map((account: Account) => [userOf(account), account.replace('athenz-', '')]))

/** Who asked the API server what is true, spent a document, or told it whom to trust; not the watches and the looks at settings. */
function apiMoment({ method, path, username, status }: CallRecord): Moment | undefined {
  const from = PROGRAM_OF.get(username ?? '')
  if (from === undefined || path.includes('watch=')) return undefined
  const pod = /\/namespaces\/([^/]+)\/pods\/([^/?]+)/.exec(path)
  if (pod !== null) return { from, to: 'api server', what: `where is ${pod[1]}/${pod[2]}, and what?`, outcome: said(status) }
  const what = QUESTIONS.find(([asked, part]) => asked === method && path.includes(part))?.[2]
  return what === undefined ? undefined : { from, to: 'api server', what, outcome: said(status) }
}

const QUESTIONS = [
  ['POST', '/leases', 'first use of this document or instance?'],
  ['POST', '/tokenreviews', 'whose token is this, and of which pod?'],
  ['PATCH', '/mutatingwebhookconfigurations/', 'these are my authorities now'],
] as const

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What a log says in more words than the timeline has room for. */
const SHORT = new Map([['a handle was used by another pod than it was made for', 'its handle was used by another pod']])

function logMoment(program: string, record: Record_): Moment | undefined {
  const { msg, pod, reason, durationMs } = record
  if (msg === 'identity issued') {
    return { from: program, what: `${text(pod)}: checked and handed to its pod`, outcome: 'issued', ...(typeof durationMs === 'number' ? { ms: durationMs } : {}) }
  }
  if (msg === 'document signed') return { from: 'identity-agent', to: program, what: `sign a document for ${text(pod)}`, outcome: 'signed' }
  if (typeof reason !== 'string') return undefined
  const what = SHORT.get(text(msg)) ?? text(msg)
  return { from: program, what: typeof pod === 'string' ? `${pod}: ${what}` : what, outcome: reason }
}
