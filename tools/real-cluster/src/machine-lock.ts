/** Two commands that change the cluster of this machine never run at a time. */
import { lock } from './lock.ts'

const DEADLINE_MS = 180_000

export interface MachineLockOptions {
  readonly say: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

export const machineLock = ({ say, signal }: MachineLockOptions): Promise<AsyncDisposable> =>
  lock('machine', { deadlineMs: DEADLINE_MS, onWait: () => say('another command is at work on the cluster: waiting for it …'), signal })
