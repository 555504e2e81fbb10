/** Who may work on what: one call at a time on a volume, and sweeping only when nobody works at all. */
import { type Host, HostError } from '@pallas/host'
import type { MountDir } from './request.ts'
import { isLeftover, sweepLeftovers, type VolumeHost } from './volume.ts'

export type TurnsHost = VolumeHost & Pick<Host, 'clock'>

const POLL_MS = 10

/**
 * Waits for this call's turn on the volume. The locks are the kernel's and end with the process, on directories that
 * are there anyway: the one that holds the mount directory (it is never covered by the mount), and that of all
 * volumes.
 */
export async function takeTurn(
  { parent }: MountDir,
  volumesDir: string,
  host: TurnsHost,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  await using scope = new AsyncDisposableStack()
  const own = await locked(() => host.files.tryLock(parent, 'exclusive'), host, signal)
  if (own !== undefined) scope.use(own)
  await sweepIfAlone(volumesDir, host)
  const all = await locked(() => host.files.tryLock(volumesDir, 'shared'), host, signal)
  if (all !== undefined) scope.use(all)
  return scope.move()
}

/** Undefined when there is nothing to lock: nobody else can work on what is not there. */
async function locked(
  tryLock: () => Promise<AsyncDisposable | undefined>,
  { clock }: TurnsHost,
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> {
  try {
    for (;;) {
      signal.throwIfAborted()
      const lock = await tryLock()
      if (lock !== undefined) return lock
      await clock.sleep(POLL_MS, signal)
    }
  } catch (error) {
    if (error instanceof HostError && error.code === 'HOST_NOT_FOUND') return undefined
    throw error
  }
}

async function sweepIfAlone(volumesDir: string, host: TurnsHost): Promise<void> {
  if ((await host.files.stat(volumesDir))?.kind !== 'directory') return
  if (!(await host.files.list(volumesDir)).some(isLeftover)) return
  await using alone = await host.files.tryLock(volumesDir, 'exclusive')
  if (alone !== undefined) await sweepLeftovers(volumesDir, host)
}
