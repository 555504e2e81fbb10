/** Where two values of the API say something different, compared in both directions. */
import { fieldOf, type Fields, isFields } from './json.ts'
import { fieldShape, plain, type Shape } from './shape.ts'

/** Undefined: they say the same. `path` is that of both; what is added to it is safe to be shown and logged. */
export function difference(said: unknown, found: unknown, shape: Shape, path = ''): string | undefined {
  const [one, other] = [plain(said, shape), plain(found, shape)]
  const isSame = shape.isSame ?? Object.is
  if (isSame(one, other)) return undefined
  if (Array.isArray(one) && Array.isArray(other)) return inLists(one, other, shape, path)
  if (isFields(one) && isFields(other)) return inFields(one, other, shape, path)
  return path
}

function inFields(said: Fields, found: Fields, { fields = {}, each }: Shape, path: string): string | undefined {
  const keys = new Set([...Object.keys(said), ...Object.keys(found)])
  for (const key of keys) {
    const at = Object.hasOwn(said, key) ? below(path, key) : unsaid(path, key)
    const differs = difference(fieldOf(said, key), fieldOf(found, key), each ?? fieldShape(fields, key), at)
    if (differs !== undefined) return differs
  }
  return undefined
}

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/** A key that a pod brings along is repeated only where it looks like one of the API. */
const unsaid = (path: string, key: string): string =>
  /^[a-z][A-Za-z0-9]{0,39}$/.test(key) ? below(path, key) : path || 'a field that is not in the template'

function inLists(said: readonly unknown[], found: readonly unknown[], shape: Shape, path: string): string | undefined {
  const { each = {}, key, anyOrder = false } = shape
  const keyOf = (member: unknown): unknown => (key !== undefined && isFields(member) ? fieldOf(member, key) : undefined)
  const partner = (member: unknown, index: number, list: readonly unknown[]) =>
    anyOrder ? list.findIndex((it) => keyOf(it) === keyOf(member)) : index
  for (const [index, member] of found.entries()) {
    const at = `${path}[${labelOf(member, index)}]`
    const of = partner(member, index, said)
    if (of < 0 || of >= said.length || keyOf(said[of]) !== keyOf(member)) return at
    const differs = difference(said[of], member, each, at)
    if (differs !== undefined) return differs
  }
  const lacking = said.findIndex((member, index) => !(partner(member, index, found) in found))
  if (lacking >= 0) return `${path}[${labelOf(said[lacking], lacking)}]`
  return said.length === found.length ? undefined : path
}

function labelOf(member: unknown, index: number): string {
  const name = isFields(member) ? fieldOf(member, 'name') : undefined
  return typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name) ? name : String(index)
}
