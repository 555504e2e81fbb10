/** How a script can be broken, for the test of what the host then does. */
import { native } from '../native.ts'

const WAYS: Readonly<Record<string, () => Promise<void>>> = {
  'throws in the beginning': async () => {
    throw new TypeError('it was never meant to be called')
  },
  'throws in a callback': async () => {
    native.startTimer(1, () => {
      throw new TypeError('it was never meant to be called')
    })
    await new Promise<void>(() => undefined)
  },
  'rejects a promise that nobody looks at': async () => {
    void Promise.reject(new RangeError('it was never meant to be looked at'))
    await new Promise<void>(() => undefined)
  },
  'calls itself without end': async () => deeper(0),
  'takes memory without end, and catches whatever comes of it': async () => {
    try {
      for (let text = 'x'; ; text += text.toUpperCase()) held.push(new Uint8Array(1_000_000), text)
    } catch {
      await new Promise<void>(() => undefined)
    }
  },
  'waits for what cannot come': () => new Promise<void>(() => undefined),
}

const held: unknown[] = []

function deeper(depth: number): void {
  deeper(depth + 1)
  held.push(depth)
}

export const breakBy = (way: string): Promise<void> => WAYS[way]?.() ?? Promise.resolve()
