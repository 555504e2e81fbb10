/**
 * What the log says of a refusal, in one form for every server. What is foreseen has no stack: of what is unavailable the
 * causes are named, outermost first; only what broke inside is written whole, with its chain.
 */
import type { IdentityError } from '@pallas/identity'
import type { LogFields } from '@pallas/runtime'

export type RefusalFields = Pick<LogFields, 'reason' | 'problem' | 'problems' | 'err'> & {
  readonly facts?: Readonly<Record<string, unknown>>
}

export function refusalFields(refusal: IdentityError): RefusalFields {
  const { code: reason, message: problem, kind, fields } = refusal
  const facts = Object.keys(fields).length === 0 ? {} : { facts: fields }
  if (kind === 'internal') return { reason, problem, err: refusal }
  // What others' errors say of bad input may hold some of it.
  if (kind !== 'unavailable') return { reason, problem, ...facts }
  const problems = causesOf(refusal)
  return { reason, problem, ...facts, ...(problems.length === 0 ? {} : { problems }) }
}

const MOST_CAUSES = 8

function causesOf(error: Error): readonly string[] {
  const causes: string[] = []
  for (let { cause } = error; cause instanceof Error && causes.length < MOST_CAUSES; { cause } = cause) causes.push(inWords(cause))
  return causes
}

/** Some errors of the system have a code and no words. */
function inWords(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const { message } = error
  if (message === '') return code || error.name
  return message.includes(code) ? message : `${code}: ${message}`
}
