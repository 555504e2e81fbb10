/** What errors of ours know beside their message, said of whatever failed: vitest leaves it out, and "the server refused" alone helps nobody. */
import { inspect } from 'node:util'

/** As vitest reports an error: what the error has of its own, and its cause. */
export interface ReportedError {
  readonly message?: string | undefined
  readonly code?: unknown
  readonly fields?: unknown
  readonly cause?: unknown
}

/** Of a test, or of the suite or file whose hook has failed. */
export interface Failure {
  readonly name: string
  readonly errors: readonly ReportedError[]
}

/** One line for each error that has a `code`, causes too. */
export const factLines = (failures: readonly Failure[]): string[] =>
  failures.flatMap(({ name, errors }) => errors.flatMap(withCauses).flatMap((error) => factsOf(error).map((facts) => `${name}: ${facts}`)))

/** Deeper than anybody chains, and an end to a chain that has none. */
const DEEPEST = 10

function withCauses(error: ReportedError): ReportedError[] {
  const chain: ReportedError[] = []
  for (let it: unknown = error; typeof it === 'object' && it !== null && chain.length < DEEPEST; it = (it as ReportedError).cause) chain.push(it)
  return chain
}

function factsOf({ message = '', code, fields }: ReportedError): string[] {
  if (typeof code !== 'string') return []
  const known = typeof fields === 'object' && fields !== null && Object.keys(fields).length > 0
  return [`${message} (${code})${known ? ` ${textOf(fields)}` : ''}`.replaceAll('\n', ' ')]
}

/** JSON has no cycles and no bigints, and what tells of a failure must not fail itself. */
function textOf(fields: object): string {
  try {
    return JSON.stringify(fields)
  } catch {
    return inspect(fields, { breakLength: Infinity })
  }
}
