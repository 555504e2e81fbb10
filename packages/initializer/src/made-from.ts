/** Whether a value is the one that a template says, in spite of what the API server makes of it. */
import { fieldOf, isFields } from './json.ts'

/** Everything that the template says must be there; more may be. */
export function isMadeFrom(template: unknown, actual: unknown): boolean {
  if (isEmpty(template) && isEmpty(actual)) return true
  if (Array.isArray(template)) return Array.isArray(actual) && isListMadeFrom(template, actual)
  if (!isFields(template)) return template === actual
  if (!isFields(actual)) return false
  return Object.keys(template).every((key) => {
    const same = key === 'limits' || key === 'requests' ? areSameQuantities : isMadeFrom
    return same(fieldOf(template, key), fieldOf(actual, key))
  })
}

/** Lists of words (a command line) must be equal; in lists of objects each of the template's must be found. */
function isListMadeFrom(template: readonly unknown[], actual: readonly unknown[]): boolean {
  if (template.every(isFields)) return template.every((member) => actual.some((it) => isMadeFrom(member, it)))
  return template.length === actual.length && template.every((member, index) => isMadeFrom(member, actual[index]))
}

function areSameQuantities(template: unknown, actual: unknown): boolean {
  if (!isFields(template) || !isFields(actual)) return isMadeFrom(template, actual)
  return Object.keys(template).every((key) => {
    const [wanted, found] = [fieldOf(template, key), fieldOf(actual, key)]
    const amount = quantityOf(wanted)
    return amount === undefined ? wanted === found : amount === quantityOf(found)
  })
}

/** What the server may drop or write for nothing. */
export const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0) ||
  (isFields(value) && Object.keys(value).length === 0)

const EXPONENT: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }

/** A Kubernetes quantity in billionths, rounded up as the server does; undefined for something else. */
function quantityOf(value: unknown): bigint | undefined {
  const [, whole, fraction = '', suffix = '', exponent] =
    /^\+?(\d{1,30})(?:\.(\d{0,18}))?([numkMGTPE]?|[KMGTPE]i|[eE]([+-]?\d{1,2}))$/.exec(String(value)) ?? []
  if (whole === undefined) return undefined
  const digits = BigInt(whole + fraction)
  const binary = BINARY[suffix]
  const power = 9 - fraction.length + (binary === undefined ? Number(exponent ?? EXPONENT[suffix] ?? 0) : 0)
  const scaled = digits * 2n ** BigInt(binary ?? 0)
  if (power >= 0) return scaled * 10n ** BigInt(power)
  const divisor = 10n ** BigInt(-power)
  return (scaled + divisor - 1n) / divisor
}
