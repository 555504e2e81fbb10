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
