/**
 * What a value of the API may be written as without saying something else: which empty values count as none, and what the
 * server fills in for none. A field without a shape has one form only.
 */
import { fieldOf, isFields } from './json.ts'
import { isSameQuantity } from './quantity.ts'

export interface Shape {
  /** What the server writes where nothing was said. */
  readonly byDefault?: unknown
  /** What counts as nothing said, besides `null`. */
  readonly isEmpty?: (value: unknown) => boolean
  readonly isSame?: (one: unknown, other: unknown) => boolean
  /** Of a mapping with fields of its own. */
  readonly fields?: Readonly<Record<string, Shape>>
  /** Of each value of a mapping, or of each member of a list. */
  readonly each?: Shape
  /** The field that tells the members of a list apart. */
  readonly key?: string
  /** The order of a list says nothing. */
  readonly anyOrder?: boolean
}

export const text = (byDefault?: string): Shape => ({ byDefault, isEmpty: (it) => it === '' })
export const number = (byDefault?: number): Shape => ({ byDefault, isEmpty: (it) => it === 0 })
export const flag: Shape = { isEmpty: (it) => it === false }
/** Where the API tells "nothing said" from every value. */
export const pointer = (byDefault: unknown): Shape => ({ byDefault })
export const quantity = (byDefault?: string): Shape => ({ byDefault, isSame: isSameQuantity })
export const object = (fields: Readonly<Record<string, Shape>>): Shape => ({ fields })

/** A mapping that says nothing when none of its fields does. */
export const struct = (fields: Readonly<Record<string, Shape>>): Shape => ({
  fields,
  isEmpty: (it) => isFields(it) && Object.entries(it).every(([key, value]) => plain(value, fieldShape(fields, key)) === undefined),
})
export const map = (each: Shape = {}): Shape => ({ each, isEmpty: (it) => isFields(it) && Object.keys(it).length === 0 })
export const list = (each: Shape = {}, order: Pick<Shape, 'key' | 'anyOrder'> = {}): Shape => ({
  each,
  ...order,
  isEmpty: (it) => Array.isArray(it) && it.length === 0,
})

/** The one form of a value. */
export const plain = (value: unknown, { isEmpty, byDefault }: Shape): unknown =>
  value === undefined || value === null || isEmpty?.(value) === true ? byDefault : value

const NO_SHAPE: Shape = {}

export const fieldShape = (fields: Readonly<Record<string, Shape>>, key: string): Shape =>
  (fieldOf(fields, key) === undefined ? undefined : fields[key]) ?? NO_SHAPE
