/** Label and field selectors, read strictly: what cannot be read is 400 as on a real server, never "everything". */
import { badRequest } from './failure.ts'
import { type Json, labelsOf, peekAt, textAt } from './object.ts'

export type Selector = (object: Json) => boolean

const KEY = String.raw`[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?`
const VALUE = String.raw`([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?`
const EQUALITY = new RegExp(`^(?<key>${KEY})\\s*(?<op>=|==|!=)\\s*(?<value>${VALUE})$`)
const MEMBERSHIP = new RegExp(`^(?<key>${KEY})\\s+(?<op>in|notin)\\s+\\((?<values>[^()]*)\\)$`)
const PRESENCE = new RegExp(`^(?<not>!?)\\s*(?<key>${KEY})$`)

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean

/** `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, joined by commas. */
export function parseLabelSelector(text: string): Selector {
  const tests = requirementsOf(text).map(labelTest)
  return (object) => tests.every((test) => test(labelsOf(object)))
}

function labelTest(requirement: string): LabelTest {
  const equal = EQUALITY.exec(requirement)?.groups
  if (equal !== undefined) {
    const { key = '', op, value = '' } = equal
    return op === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value
  }
  const member = MEMBERSHIP.exec(requirement)?.groups
  if (member !== undefined) {
    const { key = '', op, values = '' } = member
    const wanted = new Set(values.split(',').map((value) => value.trim()))
    const isIn: LabelTest = (labels) => labels[key] !== undefined && wanted.has(labels[key])
    return op === 'in' ? isIn : (labels) => !isIn(labels)
  }
  const present = PRESENCE.exec(requirement)?.groups
  if (present === undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(requirement)}`)
  const { key = '', not } = present
  return not === '!' ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined
}

/** Splits at the commas that are not inside parentheses. */
const requirementsOf = (text: string): string[] =>
  text.trim() === '' ? [] : text.split(/,(?![^(]*\))/).map((part) => part.trim())

const FIELDS: Readonly<Record<string, (object: Json) => string>> = {
  'metadata.name': (object) => textAt(peekAt(object, 'metadata'), 'name'),
  'metadata.namespace': (object) => textAt(peekAt(object, 'metadata'), 'namespace'),
  'spec.nodeName': (object) => textAt(peekAt(object, 'spec'), 'nodeName'),
  'spec.serviceAccountName': (object) => textAt(peekAt(object, 'spec'), 'serviceAccountName'),
  'status.phase': (object) => textAt(peekAt(object, 'status'), 'phase'),
  'involvedObject.name': (object) => textAt(peekAt(object, 'involvedObject'), 'name'),
  'involvedObject.uid': (object) => textAt(peekAt(object, 'involvedObject'), 'uid'),
}

/** `path=value`, `path==value`, `path!=value`, joined by commas, of the paths that a real server knows and we use. */
export function parseFieldSelector(text: string): Selector {
  const tests = text.trim() === '' ? [] : text.split(',').map(fieldTest)
  return (object) => tests.every((test) => test(object))
}

function fieldTest(requirement: string): Selector {
  const [, path = '', op, value] = /^([^=!]+)(=|==|!=)([^=]*)$/.exec(requirement) ?? []
  if (op === undefined) throw badRequest(`invalid selector: '${requirement}'; can't understand '${requirement}'`)
  const read = Object.hasOwn(FIELDS, path) ? FIELDS[path] : undefined
  if (read === undefined) throw badRequest(`field label not supported: ${path}`)
  return op === '!=' ? (object) => read(object) !== value : (object) => read(object) === value
}

/** A `LabelSelector` object, as webhook configurations have them; absent or empty matches everything. */
export function matchesLabelSelector(selector: Json | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return true
  const wanted = Object.entries(peekAt(selector, 'matchLabels'))
  const expressions = Array.isArray(selector['matchExpressions']) ? (selector['matchExpressions'] as Json[]) : []
  return (
    wanted.every(([key, value]) => labels[key] === value) && expressions.every((it) => matchesExpression(it, labels))
  )
}

function matchesExpression(expression: Json, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[textAt(expression, 'key')]
  const values = Array.isArray(expression['values']) ? (expression['values'] as unknown[]) : []
  switch (expression['operator']) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      throw badRequest(`"${String(expression['operator'])}" is not a valid label selector operator`)
  }
}
