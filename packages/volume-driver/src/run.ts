/** One call from beginning to end: always one answer, in time, whatever breaks. */
import type { Clock, Host, Invocation } from '@pallas/host'
import { type Answer, failure, formatAnswer } from './answer.ts'
import { runCommand } from './commands.ts'
import { DriverError } from './error.ts'
import { helpText, readSettings } from './settings.ts'
import { VERSION } from './version.ts'

/** The kubelet waits for ever (`spec/node-interfaces.md` 1.4): after this nothing new is begun. */
const DEADLINE_MS = 20_000
/** And after this much more the answer is given, whether or not everything could be undone. */
const GRACE_MS = 5_000

/** Writes exactly one JSON object (or, to a person who asks, help or version); never throws. */
export async function runDriver(host: Host, invocation: Invocation): Promise<void> {
  const { argv, env } = invocation
  if (argv[0] === '--help' || argv[0] === '-h') return invocation.out(helpText())
  if (argv[0] === '--version') return invocation.out(`athenz-volume-driver ${VERSION}\n`)
  const settings = () => readSettings(host.files, env)
  const work = (signal: AbortSignal) => runCommand(argv, { host, settings }, signal)
  invocation.out(formatAnswer(await answerInTime(work, host.clock, invocation.signal)))
}

async function answerInTime(
  work: (signal: AbortSignal) => Promise<Answer>,
  clock: Clock,
  interrupted: AbortSignal,
): Promise<Answer> {
  const stop = new AbortController()
  const answered = new AbortController()
  const onInterrupt = () => stop.abort(new DriverError('INTERRUPTED', 'the driver was told to stop'))
  if (interrupted.aborted) onInterrupt()
  else interrupted.addEventListener('abort', onInterrupt, { once: true })
  try {
    return await Promise.race([work(stop.signal), giveUp(clock, stop, answered.signal)])
  } catch (error) {
    return failure(error)
  } finally {
    interrupted.removeEventListener('abort', onInterrupt)
    answered.abort()
  }
}

async function giveUp(clock: Clock, stop: AbortController, answered: AbortSignal): Promise<never> {
  const late = new DriverError('VOLUME_TIMEOUT', 'the volume was not done in time')
  await clock.sleep(DEADLINE_MS, answered)
  stop.abort(late)
  await clock.sleep(GRACE_MS, answered)
  throw late
}
