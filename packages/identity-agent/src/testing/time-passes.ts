import type { FakeClock } from '@pallas/runtime/testing'

const STEP_MS = 200
/** For whoever is to be answered to get there, between two steps. */
const TURN_MS = 5

const turn = () => new Promise<false>((resolve) => setTimeout(resolve, TURN_MS, false))

/** The answer to what waits by a clock that only tests move. */
export async function whileTimePasses<T>({ clock }: { readonly clock: FakeClock }, answer: Promise<T>): Promise<T> {
  const answered = answer.then(() => true, () => true)
  while (!(await Promise.race([answered, turn()]))) await clock.advance(STEP_MS)
  return answer
}
