/** The times of a certificate, as epoch milliseconds. */
import type { Der } from './der.ts'
import { malformed } from './error.ts'
import { ascii, asciiOf, TAG } from './values.ts'

const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/** RFC 5280, 4.1.2.5: UTCTime for 1950–2049, GeneralizedTime without fractions, both in UTC. */
export function timeOf(der: Der | undefined): number {
  if (der?.tag === TAG.utcTime) {
    const [short = 0, ...rest] = numbers(UTC, asciiOf(der, TAG.utcTime))
    return epochMs([short < 50 ? 2000 + short : 1900 + short, ...rest])
  }
  return epochMs(numbers(GENERALIZED, asciiOf(der, TAG.generalizedTime)))
}

function numbers(pattern: RegExp, text: string): number[] {
  const [, ...digits] = pattern.exec(text) ?? []
  if (digits.length === 6) return digits.map(Number)
  throw malformed('not a time')
}

function epochMs([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]): number {
  const monthOk = month >= 1 && month <= 12
  if (!monthOk || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) {
    throw malformed('no such time')
  }
  return (((daysBefore(year, month) + day - 1) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000
}

/** Down to its second, in the form that RFC 5280 wants for its year; of the years 0 to 9999. */
export function timeDer(epochMs: number): Der {
  const days = Math.floor(epochMs / DAY_MS)
  const second = Math.floor((epochMs - days * DAY_MS) / 1_000)
  const { year, month, day } = dateOf(days)
  const clock = [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60]
  const text = `${[month, day, ...clock].map((part) => padded(part, 2)).join('')}Z`
  if (year >= 1950 && year < 2050) return ascii(TAG.utcTime, padded(year % 100, 2) + text)
  return ascii(TAG.generalizedTime, padded(year, 4) + text)
}

const DAY_MS = 86_400_000

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** Of a number of days since 1970-01-01. */
function dateOf(days: number) {
  const guess = 1970 + Math.floor(days / 365.2425)
  const year = [guess + 1, guess].find((it) => daysBefore(it, 1) <= days) ?? guess - 1
  let month = 12
  while (daysBefore(year, month) > days) month--
  return { year, month, day: 1 + days - daysBefore(year, month) }
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const daysIn = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : ([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0)

/** Days from 1970-01-01 to the first of a month. */
function daysBefore(year: number, month: number): number {
  const past = year - 1
  const yearDays = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719_162
  const monthDays = Array.from({ length: month - 1 }, (_, i) => daysIn(year, i + 1))
  return monthDays.reduce((sum, days) => sum + days, yearDays)
}
