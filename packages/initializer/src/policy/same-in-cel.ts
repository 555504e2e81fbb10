/** Whether a part of a pod is what a template makes, as CEL says it: the twin of `difference.ts`, made from the same shapes. */
import { fieldOf, type Fields, isFields } from '../json.ts'
import { fieldShape, plain, type Shape } from '../shape.ts'
import { all, any, literal, not, present, quoted, select } from './cel.ts'

/** The value at `at`, which is there, says the same as `said`. */
export function sameAs(said: unknown, at: string, shape: Shape): string {
  if (shape.isSame !== undefined) return `quantity(string(${at})) == quantity(${quoted(String(said))})`
  if (Array.isArray(said)) return sameList(said, at, shape)
  if (isFields(said)) return shape.each === undefined ? sameFields(said, at, shape) : sameMap(said, at, shape.each)
  return `${at} == ${literal(said)}`
}

/** The field of what is at `parent` says the same as that of `said`, which may be nothing. */
export function sameField(said: Fields, key: string, parent: string, shape: Shape): string {
  const [value, at] = [plain(fieldOf(said, key), shape), select(parent, key)]
  const absent = not(present(parent, key))
  if (value === undefined) return any([absent, ...emptyForms(at, shape)])
  const same = sameAs(value, at, shape)
  return value === shape.byDefault ? any([absent, same]) : all([present(parent, key), same])
}

/** What says nothing at `at`. */
function emptyForms(at: string, shape: Shape): string[] {
  const scalars = ['', false, 0].filter((it) => shape.isEmpty?.(it) === true).map((it) => `${at} == ${literal(it)}`)
  if (shape.isEmpty?.([]) === true) return [...scalars, `size(${at}) == 0`]
  if (shape.isEmpty?.({}) !== true) return scalars
  return [...scalars, shape.each === undefined ? sameFields({}, at, shape) : `size(${at}) == 0`]
}

/** Every field that either may have: no other one is there. */
function sameFields(said: Fields, at: string, { fields = {} }: Shape): string {
  const keys = [...new Set([...Object.keys(said), ...Object.keys(fields)])]
  return all([onlyKeys(at, keys), ...keys.map((key) => sameField(said, key, at, fieldShape(fields, key)))])
}

export const onlyKeys = (at: string, keys: readonly string[], more: readonly string[] = []): string =>
  keys.length === 0 && more.length === 0 ? `size(${at}) == 0` : `${at}.all(k, ${any([...(keys.length === 0 ? [] : [`k in ${literal(keys)}`]), ...more])})`

function sameMap(said: Fields, at: string, each: Shape): string {
  const members = Object.entries(said).map(([key, value]) => all([present(at, key), sameAs(value, select(at, key), each)]))
  return all([`size(${at}) == ${members.length}`, ...members])
}

/** In their order, or each somewhere, by the field that tells them apart. */
function sameList(said: readonly unknown[], at: string, { each = {}, key, anyOrder = false }: Shape): string {
  if (said.every((it) => typeof it === 'string') && each.fields === undefined) return `${at} == ${literal(said)}`
  const member = (it: unknown, place: string): string => sameAs(it, place, each)
  const here = said.map((it, index) => (anyOrder && key !== undefined ? `${at}.exists_one(m, ${member(it, 'm')})` : member(it, `${at}[${index}]`)))
  return all([`size(${at}) == ${said.length}`, ...here])
}
