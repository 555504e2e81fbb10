/** Polls until it sees something; throws when that takes too long, or when the bench is told to stop. */
export interface WaitOptions {
  readonly everyMs?: number
  readonly deadlineMs?: number
}

export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { everyMs = 10, deadlineMs = 30_000 }: WaitOptions,
  signal: AbortSignal,
): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    signal.throwIfAborted()
    const seen = await look()
    if (seen !== undefined) return seen
    if (performance.now() > giveUpAt) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + ms
  const isOver = () => (performance.now() >= end ? true : undefined)
  await until('the end of a pause', isOver, { everyMs: 20, deadlineMs: ms + 5_000 }, signal)
}
