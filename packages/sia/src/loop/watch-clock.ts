import type { Clock } from '@pallas/host'

const LOOK_EVERY_MS = 60_000
/** What a machine's clock is corrected by in normal life is less. */
const LEAST_JUMP_MS = 60_000

/** Tells within about a minute by how much the wall clock jumped, a suspension included. Ends only by rejecting. */
export async function watchClock(
  { clock, onJump }: { readonly clock: Clock; readonly onJump: (ms: number) => void },
  signal: AbortSignal,
): Promise<never> {
  const ahead = () => clock.now() - clock.monotonic()
  for (let before = ahead(); ; ) {
    await clock.sleep(LOOK_EVERY_MS, signal)
    const jumpedMs = ahead() - before
    before += jumpedMs
    if (Math.abs(jumpedMs) >= LEAST_JUMP_MS) onJump(Math.round(jumpedMs))
  }
}
