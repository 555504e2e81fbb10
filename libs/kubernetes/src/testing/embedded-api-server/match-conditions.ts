/**
 * `matchConditions` of a webhook: CEL on a real server, here only the forms that ask for annotations, joined by `&&`. What
 * an object gives no answer to is refused with the request, as on a real server under `failurePolicy: Fail`.
 */
import { isObject } from '../../json.ts'
import { internal } from './failure.ts'
import { type Json, objectsAt, peekAt, textAt } from './object.ts'

const HAS_ANNOTATIONS = 'has(object.metadata.annotations)'
const HAS_KEY = /^'([^']+)' in object\.metadata\.annotations$/
const IS_VALUE = /^object\.metadata\.annotations\['([^']+)'\] (==|!=) '([^']*)'$/

const termsOf = (webhook: Json): string[] =>
  objectsAt(webhook, 'matchConditions').flatMap((condition) => textAt(condition, 'expression').split(' && '))

/** Whether this server can evaluate every condition of a webhook. */
export const knowsConditions = (webhook: Json): boolean =>
  termsOf(webhook).every((term) => term === HAS_ANNOTATIONS || HAS_KEY.test(term) || IS_VALUE.test(term))

export const meetsConditions = (webhook: Json, object: Json): boolean =>
  termsOf(webhook).every((term) => holds(term, object))

function holds(term: string, object: Json): boolean {
  const { annotations } = peekAt(object, 'metadata')
  if (term === HAS_ANNOTATIONS) return isObject(annotations)
  const key = HAS_KEY.exec(term)?.[1]
  const [, at, operator, value] = IS_VALUE.exec(term) ?? []
  const asked = key ?? at
  if (asked === undefined || !isObject(annotations)) throw unanswered()
  const found = Object.hasOwn(annotations, asked) ? annotations[asked] : undefined
  if (key !== undefined) return found !== undefined
  if (found === undefined) throw unanswered()
  return (found === value) === (operator === '==')
}

const unanswered = () => internal('a match condition cannot be evaluated: no such key')
