/** Does `work` for each item, never more than `atATime` at once. Rejects with a failure when no work is under way. */
export async function inParallel<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(atATime, items.length) }, worker))
  const failed = workers.find((it) => it.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
