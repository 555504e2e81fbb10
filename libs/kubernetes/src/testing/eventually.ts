import { setTimeout as sleep } from 'node:timers/promises'

/** The first outcome of `look` that is not undefined; it is asked again for at most `withinMs`, over real sockets. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>, withinMs = 10_000): Promise<T> {
  for (let waited = 0; waited <= withinMs; waited += 10) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(10)
  }
  throw new Error(`nothing was seen within ${withinMs} ms`)
}
