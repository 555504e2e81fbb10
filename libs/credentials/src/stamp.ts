/** Epoch milliseconds as `YYYYMMDDTHHMMSS.mmmZ`, UTC: sorts by time, safe in a file name. */
export function stampOf(epochMs: number): string {
  const seconds = Math.floor(epochMs / 1_000)
  const { year, month, day } = dateOf(Math.floor(seconds / 86_400))
  const clock = [seconds / 3_600, seconds / 60, seconds].map((n, i) => digits(Math.floor(n) % (i === 0 ? 24 : 60), 2))
  return `${digits(year, 4)}${digits(month, 2)}${digits(day, 2)}T${clock.join('')}.${digits(epochMs % 1_000, 3)}Z`
}

const digits = (n: number, width: number) => String(n).padStart(width, '0')

/** Days since 1970-01-01 as a date. Years are counted from March, so that the leap day is a year's last. */
function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const sinceEra = days + 719_468
  const era = Math.floor(sinceEra / 146_097)
  const dayOfEra = sinceEra - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}
