/**
 * The agents that get no more documents, from a file that is followed. What cannot be read stops a start; in a running
 * service it lets nobody through, and is an error in the log and a metric.
 */
import { createHash } from 'node:crypto'
import type { ReasonCode } from '@pallas/identity'
import { type Clock, openWatchedFile } from '@pallas/runtime'
import type { PeerIdentity } from '@pallas/service'
import type { RevocationEvents } from './events.ts'
import { followRevocations, NOBODY, nodeEntry, type Revocations, serialEntry } from './revoked-agents-list.ts'

export interface RevokedAgents extends AsyncDisposable {
  /** By what the certificate says. */
  readonly problemOf: (peer: Pick<PeerIdentity, 'dns' | 'serial' | 'raw'>) => ReasonCode | undefined
  readonly isRevoked: (node: string) => boolean
}

export interface RevokedAgentsOptions {
  /** Undefined: nobody is revoked. */
  readonly path: string | undefined
  readonly clock: Clock
  readonly events: RevocationEvents
}

/** Throws `ConfigError` when the file has a line that is no entry. */
export async function openRevokedAgents({ path, clock, events }: RevokedAgentsOptions): Promise<RevokedAgents> {
  if (path === undefined) return answersOf(() => NOBODY)
  const parse = followRevocations()
  const tell = ({ entries, malformed, doubtful }: Revocations, before: ReadonlySet<string>): void => {
    events.revokedAgentsLoaded({ count: entries.size, removed: before.difference(entries).size })
    if (doubtful.length > 0) events.revokedAgentsDoubtful(doubtful)
    if (malformed.length > 0) events.revokedAgentsUnusable({ lines: malformed })
  }
  const onFailure = (err: unknown): void => events.revokedAgentsUnusable({ err })
  const file = await openWatchedFile({ path, parse, clock, onChange: (now, before) => tell(now, before.entries), onFailure })
  tell(file.current(), NOBODY)
  return answersOf(() => file.current().entries, file)
}

const answersOf = (entries: () => ReadonlySet<string>, file?: AsyncDisposable): RevokedAgents => ({
  problemOf: ({ dns, serial, raw }) => {
    const listed = entries()
    if (listed.size === 0) return undefined
    const fingerprint = createHash('sha256').update(raw).digest('hex')
    const said = [...dns.map(nodeEntry), serialEntry(serial), `sha256 ${fingerprint}`]
    return said.some((it) => listed.has(it)) ? 'AGENT_REVOKED' : undefined
  },
  isRevoked: (node) => entries().has(nodeEntry(node)),
  [Symbol.asyncDispose]: async () => file?.[Symbol.asyncDispose](),
})
