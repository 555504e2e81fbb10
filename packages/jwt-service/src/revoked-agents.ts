/**
 * The agents that get no more documents, from a file that is followed: one entry a line, `#` begins a comment.
 *
 * An entry is the name of a Node, the serial of a certificate (hex, or decimal as ZTS records it) or the SHA-256
 * fingerprint of one; what fits several of these counts as each. A line that is none of them stops a start. In a running
 * service it never lets anybody through: all that was refused before stays refused, the good lines count too, and the
 * slip is an error in the log and a metric.
 */
import { createHash } from 'node:crypto'
import { ConfigError } from '@pallas/config'
import type { ReasonCode } from '@pallas/identity'
import { type Clock, openWatchedFile } from '@pallas/runtime'
import type { PeerIdentity } from '@pallas/service'
import type { JwtServiceEvents } from './events.ts'

export interface RevokedAgents extends AsyncDisposable {
  /** By what the certificate says. */
  readonly problemOf: (peer: Pick<PeerIdentity, 'dns' | 'serial' | 'raw'>) => ReasonCode | undefined
  readonly isRevoked: (node: string) => boolean
}

export interface RevokedAgentsOptions {
  /** Undefined: nobody is revoked. */
  readonly path: string | undefined
  readonly clock: Clock
  readonly events: Pick<JwtServiceEvents, 'revokedAgentsLoaded' | 'revokedAgentsUnusable'>
}

/** Throws `ConfigError` when the file has a line that is no entry. */
export async function openRevokedAgents({ path, clock, events }: RevokedAgentsOptions): Promise<RevokedAgents> {
  if (path === undefined) return answersOf(() => NOBODY)
  const parse = followRevocations()
  const tell = ({ entries, malformed }: Revocations): void => {
    events.revokedAgentsLoaded(entries.size)
    if (malformed.length > 0) events.revokedAgentsUnusable({ lines: malformed })
  }
  const onFailure = (err: unknown): void => events.revokedAgentsUnusable({ err })
  const file = await openWatchedFile({ path, parse, clock, onChange: tell, onFailure })
  tell(file.current())
  return answersOf(() => file.current().entries, file)
}

const NOBODY: ReadonlySet<string> = new Set()

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

interface Revocations {
  /** Each with its kind: `node …`, `serial …`, `sha256 …`. */
  readonly entries: ReadonlySet<string>
  /** Numbers of the lines that are no entries. */
  readonly malformed: readonly number[]
}

export function followRevocations(): (text: string) => Revocations {
  let before: ReadonlySet<string> | undefined
  return (text) => {
    const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim())
    const found = lines.map((line) => (line === '' ? [] : entriesIn(line)))
    const malformed = found.flatMap((entries, index) => (entries === undefined ? [index + 1] : []))
    const good = new Set(found.flatMap((entries = []) => entries))
    if (malformed.length > 0 && before === undefined) throw new ConfigError(malformed.map(problemAt))
    before = malformed.length > 0 ? good.union(before ?? NOBODY) : good
    return { entries: before, malformed }
  }
}

const problemAt = (line: number): string => `--revoked-agents: line ${line} is no node, serial or fingerprint`

const NODE = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
/** Twenty octets, and one more for a sign. */
const SERIAL = /^[0-9a-f]{1,42}$/
const DECIMAL = /^[1-9][0-9]{0,49}$/
/** Longer than a serial: the greater part of a fingerprint, rather than a Node. */
const LONG_HEX = /^[0-9a-f]{43,}$/
const FINGERPRINT = /^[0-9a-f]{64}$/

/** Undefined for what is no entry. With colons it is bytes, as openssl writes them. */
function entriesIn(line: string): readonly string[] | undefined {
  const hex = (/^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(line) ? line.replaceAll(':', '') : line).toLowerCase()
  if (LONG_HEX.test(hex) && !FINGERPRINT.test(hex) && !DECIMAL.test(line)) return undefined
  const entries = [
    ...(NODE.test(line) ? [nodeEntry(line)] : []),
    ...(SERIAL.test(hex) ? [serialEntry(hex)] : []),
    ...(DECIMAL.test(line) ? [serialEntry(BigInt(line).toString(16))] : []),
    ...(FINGERPRINT.test(hex) ? [`sha256 ${hex}`] : []),
  ]
  return entries.length === 0 ? undefined : entries
}

const nodeEntry = (name: string): string => `node ${name}`
const serialEntry = (hex: string): string => `serial ${hex.toLowerCase().replace(/^0+(?=.)/, '')}`
