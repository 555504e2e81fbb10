/** A machine whose state is held: nothing may be different when the test is over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { differencesOf, type Inventory, takeInventory } from '../inventory.ts'
import { describeCluster } from '../status.ts'

export interface MachineBefore {
  /** Fails for whatever has come or gone since. */
  expectUnchanged(): Promise<void>
}

const SETTLE_MS = 200
const SETTLE_TURNS = 25

/** Throws where a cluster is up: it would be somebody's, and its end would hide what we leave. */
export async function machineBefore(): Promise<MachineBefore> {
  const { state } = await describeCluster()
  if (state !== 'down') throw new Error(`a cluster is ${state} on this machine: take it down first`)
  const before = await takeInventory()
  return { expectUnchanged: async () => expect(await settled(before)).toEqual([]) }
}

/** A network namespace's devices are destroyed by the kernel in its own time. */
async function settled(before: Inventory): Promise<string[]> {
  for (let turn = 0; ; turn += 1) {
    const differences = differencesOf(before, await takeInventory())
    if (differences.length === 0 || turn === SETTLE_TURNS) return differences
    await sleep(SETTLE_MS)
  }
}
