/** `metav1.Time` (RFC 3339, whole seconds) and epoch milliseconds. */

export const formatTime = (ms: number): string =>
  Temporal.Instant.fromEpochMilliseconds(Math.trunc(ms)).toString({ smallestUnit: 'second' })

/** Undefined for anything that is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  try {
    return Temporal.Instant.from(text).epochMilliseconds
  } catch {
    return undefined
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The `Date` of an answer (RFC 9110, 5.6.7, in the form that servers must send). Undefined for anything else. */
export function parseHttpDate(text: string): number | undefined {
  const [, day, name = '', year, time] = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/.exec(text) ?? []
  const month = String(MONTHS.indexOf(name) + 1).padStart(2, '0')
  return parseTime(`${year}-${month}-${day}T${time}Z`)
}
