/** The first outcome that is not undefined; throws with what was waited for when the deadline has passed. */
export async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>, deadlineMs = 30_000): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (performance.now() > giveUpAt) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

const POLL_MS = 20
