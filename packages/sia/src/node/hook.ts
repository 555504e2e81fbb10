/**
 * Tells others after each change: runs one hook at a time, and what changes meanwhile makes one further run. A hook
 * that fails is told and counted, nothing else: the credentials are in place.
 */
import type { Change } from '../companions.ts'

/** Does it, tells how it went, and never rejects. Ends soon after `signal` aborts. */
export type RunHook = (change: Change, signal: AbortSignal) => Promise<void>

/** Disposing waits for the hook that runs, and for the one that is due unless the program was asked to stop. */
export interface Hook extends AsyncDisposable {
  changed(change: Change): void
}

export function startHook(run: RunHook, signal: AbortSignal): Hook {
  let due: Change | undefined
  let running: Promise<void> | undefined
  let isClosed = false

  const runAll = async (): Promise<void> => {
    while (due !== undefined && !signal.aborted) {
      const change = due
      due = undefined
      await run(change, signal)
    }
    running = undefined
  }

  return {
    changed(change) {
      if (isClosed || signal.aborted) return
      due = due === undefined ? change : merged(due, change)
      running ??= runAll()
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await running
    },
  }
}

function merged(before: Change, after: Change): Change {
  const isNew = ({ kind, name }: Change['members'][number]) =>
    !before.members.some((member) => member.kind === kind && member.name === name)
  return {
    members: [...before.members, ...after.members.filter(isNew)],
    paths: [...new Set([...before.paths, ...after.paths])],
  }
}
