/** A thread that reads credentials as the documents tell readers to, while others replace them, and counts misfits. */
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { type ReaderJob, type ReaderCount, serialIn } from './torn-reads.ts'

const { root, reads } = workerData as ReaderJob

const numberOf = (path: string): number | undefined => serialIn(readFileSync(path, 'utf8'))

/** Whether what was read belongs together. */
function readOnce(turn: number): boolean {
  if (turn % 2 === 0) return numberOf(join(root, 'bundle.pem')) !== undefined
  const at = join(root, readlinkSync(join(root, '..data')))
  const key = numberOf(join(at, 'service.key'))
  return key !== undefined && key === numberOf(join(at, 'service.cert'))
}

const count: ReaderCount = { reads: 0, torn: 0, overtaken: 0 }
while (count.reads < reads) {
  try {
    if (!readOnce(count.reads)) count.torn++
    count.reads++
  } catch (error) {
    // Two rotations went by between pinning and opening: a reader begins anew.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    count.overtaken++
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(count)
