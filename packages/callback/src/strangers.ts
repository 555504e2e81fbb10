/**
 * Pods whose end was seen while nobody here knew of a record of them: another replica may have made one and died since.
 * Their records are looked for once, some time later.
 */
import type { Clock } from '@pallas/runtime'
import { inParallel } from './in-parallel.ts'
import type { InstanceRecord, InstanceRecords } from './instance-records.ts'

export interface StrangersOptions {
  readonly records: Pick<InstanceRecords, 'find'>
  readonly clock: Pick<Clock, 'monotonic'>
  /** The moment to look for what is added now, by the monotonic clock. */
  readonly soon: () => number
  /** Told of each one that could not be looked for: it will be again. */
  readonly onFailure: (error: unknown) => void
}

export interface Strangers {
  add(uid: string): void
  /** The records found of those whose moment has come. */
  met(signal: AbortSignal): Promise<readonly InstanceRecord[]>
}

/** More than this at a time are not remembered: they are found when all records are read. */
const MOST = 10_000
const MOST_AT_ONCE = 256
const LOOKS_AT_A_TIME = 8

export function createStrangers({ records, clock, soon, onFailure }: StrangersOptions): Strangers {
  const lookAt = new Map<string, number>()
  return {
    add(uid) {
      if (lookAt.size < MOST && !lookAt.has(uid)) lookAt.set(uid, soon())
    },
    async met(signal) {
      const due = [...lookAt].flatMap(([uid, at]) => (at <= clock.monotonic() ? [uid] : []))
      const found: InstanceRecord[] = []
      await inParallel(due.slice(0, MOST_AT_ONCE), LOOKS_AT_A_TIME, async (uid) => {
        try {
          const those = await records.find(uid, undefined, signal)
          lookAt.delete(uid)
          found.push(...those)
        } catch (error) {
          signal.throwIfAborted()
          lookAt.set(uid, soon())
          onFailure(error)
        }
      })
      return found
    },
  }
}
