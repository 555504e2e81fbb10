/**
 * What a list of revoked agents says: one entry a line, `#` begins a comment.
 *
 * An entry is the name of a Node, the serial of a certificate (hex, or decimal as ZTS records it) or the SHA-256
 * fingerprint of one; what fits several of these counts as each. With `node:`, `serial:` or `sha256:` before it an entry
 * is that alone, with `0x` a serial in hex alone.
 */
import { ConfigError } from '@pallas/config'

export interface Revocations {
  /** Each with its kind: `node …`, `serial …`, `sha256 …`. */
  readonly entries: ReadonlySet<string>
  /** Numbers of the lines that are no entries. */
  readonly malformed: readonly number[]
  /** Numbers of the lines that count as a Node, though they look like a serial that was pasted with something else. */
  readonly doubtful: readonly number[]
}

export const NOBODY: ReadonlySet<string> = new Set()

/**
 * Reads one list after the other. A line that is no entry makes the first one throw `ConfigError`; later it lets nobody
 * through: all that was refused before stays refused, and the good lines count too. Nor does a list that has lost all its
 * entries, as one does that is cut or about to be written, unless a line `# nobody` says so: it throws `ConfigError`.
 */
export function followRevocations(): (text: string) => Revocations {
  let before = NOBODY
  let isFirst = true
  return (text) => {
    const lines = text.split('\n')
    const found = lines.map((line) => entriesIn(line.replace(/#.*/, '').trim()))
    const malformed = numbersOf(found, (entries) => entries === undefined)
    const good = new Set(found.flatMap((entries = []) => entries))
    if (malformed.length > 0 && isFirst) throw new ConfigError(malformed.map(problemAt))
    const isEmptied = before.size > 0 && good.size === 0 && malformed.length === 0
    if (isEmptied && !lines.some(saysNobody)) throw new ConfigError([EMPTIED])
    isFirst = false
    before = malformed.length > 0 ? good.union(before) : good
    return { entries: before, malformed, doubtful: numbersOf(lines, isDoubtful) }
  }
}

const numbersOf = <T>(lines: readonly T[], which: (line: T) => boolean): readonly number[] =>
  lines.flatMap((line, index) => (which(line) ? [index + 1] : []))

const problemAt = (line: number): string => `--revoked-agents: line ${line} is no node, serial or fingerprint`
const EMPTIED = '--revoked-agents: all entries are gone, and no line "# nobody" says that they should be'

const saysNobody = (line: string): boolean => /^\s*#\s*nobody\s*$/.test(line)

/** Labels as the API server lets Nodes have them. */
const NODE = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
/** Twenty octets, and one more for a sign. */
const SERIAL = /^[0-9a-f]{1,42}$/
const DECIMAL = /^[1-9][0-9]{0,49}$/
/** Longer than a serial: the greater part of a fingerprint, rather than a Node. */
const LONG_HEX = /^[0-9a-f]{43,}$/
const FINGERPRINT = /^[0-9a-f]{64}$/
const SAYS_WHAT = /^(node|serial|sha256):\s*(\S+)$/
const ZERO_X = /^0x/i

/** None for nothing; undefined for what is no entry. */
function entriesIn(line: string): readonly string[] | undefined {
  if (line === '') return []
  const [, kind, said = line] = SAYS_WHAT.exec(line) ?? []
  const entries = [
    ...(kind === undefined || kind === 'node' ? nodesIn(said, kind === 'node') : []),
    ...(kind === undefined || kind === 'serial' ? serialsIn(said) : []),
    ...(kind === undefined || kind === 'sha256' ? fingerprintsIn(said) : []),
  ]
  return entries.length === 0 ? undefined : entries
}

function nodesIn(text: string, isSaid: boolean): readonly string[] {
  const looksOtherwise = ZERO_X.test(text) || (LONG_HEX.test(text) && !FINGERPRINT.test(text) && !DECIMAL.test(text))
  return NODE.test(text) && (isSaid || !looksOtherwise) ? [nodeEntry(text)] : []
}

function serialsIn(text: string): readonly string[] {
  const hex = withoutColons(text.replace(ZERO_X, ''))
  return [
    ...(SERIAL.test(hex) ? [serialEntry(hex)] : []),
    ...(DECIMAL.test(text) ? [serialEntry(BigInt(text).toString(16))] : []),
  ]
}

function fingerprintsIn(text: string): readonly string[] {
  const hex = withoutColons(text)
  return FINGERPRINT.test(hex) ? [`sha256 ${hex}`] : []
}

/** With colons it is bytes, as openssl writes them. */
const withoutColons = (text: string): string =>
  (/^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(text) ? text.replaceAll(':', '') : text).toLowerCase()

export const nodeEntry = (name: string): string => `node ${name}`
export const serialEntry = (hex: string): string => `serial ${hex.toLowerCase().replace(/^0+(?=.)/, '')}`

const SERIAL_WORD = /^(serial|sn|sha|fingerprint|hex)/
const HEX_RUN = /[0-9a-f]{6,}/
const HEX = /^[0-9a-f]+$/

/** A word for serials, or one piece that is mostly hex. Most nodes have hyphens or dots in their names. */
function isDoubtful(line: string): boolean {
  const name = line.replace(/#.*/, '').trim()
  if (!NODE.test(name) || HEX.test(name) || ZERO_X.test(name)) return false
  const [run = ''] = HEX_RUN.exec(name) ?? []
  return SERIAL_WORD.test(name) || (!/[.-]/.test(name) && /[0-9]/.test(run) && run.length * 2 >= name.length)
}
