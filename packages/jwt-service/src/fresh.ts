/** Something that is read from elsewhere, shared by all who ask, and as old as they allow. */
export interface Fresh<T> {
  /** What was read at most so long ago. One reading at a time, for all who wait for it; what fails is not kept. */
  noOlderThan(ageMs: number): Promise<T>
}

export function createFresh<T>(read: () => Promise<T>, clock: { monotonic(): number }): Fresh<T> {
  let known: { readonly value: T; readonly at: number } | undefined
  let reading: Promise<T> | undefined

  const readNow = async (): Promise<T> => {
    const at = clock.monotonic()
    const value = await read()
    known = { value, at }
    return value
  }
  return {
    async noOlderThan(ageMs) {
      if (known !== undefined && clock.monotonic() - known.at <= ageMs) return known.value
      reading ??= readNow().finally(() => {
        reading = undefined
      })
      return reading
    },
  }
}
