/** The other end of `reaper.ts`: hears of process groups on stdin, and ends them when stdin ends without a farewell. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [dir = ''] = process.argv.slice(2)
const leaders = new Set<number>()
let isDone = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'done') isDone = true
    else if (line.startsWith('+')) leaders.add(Number(line.slice(1)))
    else leaders.delete(Number(line.slice(1)))
  })
  .on('close', () => {
    if (isDone) return
    for (const leader of leaders) endGroup(leader)
    for (const path of mountsBelow(dir)) spawnSync('umount', ['-l', path])
    // What ends takes a moment, and may write until then.
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  })

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

/** The last mounted first. */
function mountsBelow(path: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').toReversed()
  return lines.map((line) => line.split(' ')[4] ?? '').filter((mount) => mount.startsWith(`${path}/`))
}
