/**
 * One ZTS call per instance at a time (spec/zts-recorded.md 5: of concurrent answers only one stays current), and a fair
 * turn for everybody: what one namespace asks for in a flood waits, or is turned away, in that namespace.
 *
 * Callers with the same public key share one answer; others queue in order. What is shared goes on when a caller leaves.
 */
import { IdentityError } from '@pallas/identity'
import { Turns, type Whose } from './turns.ts'

export interface InFlight<W extends Whose> {
  /** Rejects with `BUSY` and a time to come back when too much waits, or with whatever `task` rejects with. */
  run<T>(whose: W, share: string, task: () => Promise<T>): Promise<T>
  /** How many tasks run or wait, over all instances. */
  readonly size: number
}

/** What was full. */
export type Bound = 'instance' | 'namespace' | 'agent'

export interface InFlightLimits {
  /** Running and waiting tasks of one instance, of one namespace, and of all. */
  readonly perInstance: number
  readonly perNamespace: number
  readonly most: number
  /** Tasks that run at once, over all instances and of one namespace; the rest wait for their turn. */
  readonly running: number
  readonly runningPerNamespace: number
}

export interface InFlightOptions<W extends Whose> extends InFlightLimits {
  /** Spreads the times at which those who are turned away come back. */
  readonly clock: { random(): number }
  /** Told of every task that is turned away. */
  readonly onOverflow?: (whose: W, bound: Bound) => void
}

interface Task {
  run(): Promise<void>
  turnAway(error: IdentityError): void
}

const COME_BACK_MS = { least: 2_000, spread: 8_000 } as const

export function createInFlight<W extends Whose>(options: InFlightOptions<W>): InFlight<W> {
  const { perInstance, perNamespace, most, running: limit, clock, onOverflow = () => undefined } = options
  const turns = new Turns<Task, W>(options)
  const shares = createShares()
  let running = 0

  function begin(): void {
    while (running < limit) {
      const turn = turns.next()
      if (turn === undefined) return
      running += 1
      void turn.item.run().then(() => {
        running -= 1
        turns.done(turn.whose)
        begin()
      })
    }
  }

  function overflow(whose: W, bound: Bound): IdentityError {
    onOverflow(whose, bound)
    return busy(bound, clock.random())
  }

  /** Why there is no room; where all is full, whoever has most waiting makes some. */
  function refusalOf(whose: W): IdentityError | undefined {
    if (shares.sizeOf(whose.instance) >= perInstance) return overflow(whose, 'instance')
    if (turns.sizeOf(whose.namespace) >= perNamespace) return overflow(whose, 'namespace')
    if (turns.size < most) return undefined
    const victim = turns.giveWay(whose.namespace)
    if (victim === undefined) return overflow(whose, 'agent')
    victim.item.turnAway(overflow(victim.whose, 'agent'))
    return undefined
  }

  return {
    get size() {
      return turns.size
    },
    run<T>(whose: W, share: string, task: () => Promise<T>): Promise<T> {
      const same = shares.find(whose.instance, share)
      // The share names the key and what is asked for it, so the answer is of the same type.
      if (same !== undefined) return same as Promise<T>
      const refusal = refusalOf(whose)
      if (refusal !== undefined) return Promise.reject(refusal)
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      const over = shares.open(whose.instance, share, promise)
      const turnAway = (error: IdentityError) => {
        over()
        reject(error)
      }
      turns.add({ whose, item: { run: () => task().then(resolve, reject).then(over), turnAway } })
      begin()
      return promise
    },
  }
}

/** What is being answered, by instance and share. */
function createShares() {
  const answers = new Map<string, Map<string, Promise<unknown>>>()
  return {
    sizeOf: (instance: string): number => answers.get(instance)?.size ?? 0,
    find: (instance: string, share: string): Promise<unknown> | undefined => answers.get(instance)?.get(share),
    /** Returns what ends the sharing. */
    open(instance: string, share: string, answer: Promise<unknown>): () => void {
      const own = answers.get(instance) ?? new Map<string, Promise<unknown>>()
      answers.set(instance, own.set(share, answer))
      return () => {
        own.delete(share)
        if (own.size === 0) answers.delete(instance)
      }
    },
  }
}

function busy(bound: Bound, random: number): IdentityError {
  const retryAfterMs = COME_BACK_MS.least + random * COME_BACK_MS.spread
  return new IdentityError('BUSY', 'too many identities are asked for at a time', { bound }, { retryAfterMs })
}
