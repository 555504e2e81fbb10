/** One container over its restarts: started, ended, started again after a back-off, until its policy or a stop ends it. */
import type { Clock } from '@pallas/runtime'
import type { Exit, RunningContainer } from './containers.ts'
import type { ContainerState } from './status.ts'

export interface SuperviseOptions {
  readonly restart: 'Always' | 'OnFailure' | 'Never'
  readonly start: (id: string) => Promise<RunningContainer>
  readonly newId: () => string
  readonly onState: (state: ContainerState) => void
  readonly clock: Clock
  /** First wait before a restart; doubled each time up to the longest. */
  readonly backoff: { readonly initialMs: number; readonly maxMs: number }
}

export interface Supervised {
  /** Resolves when the first process runs. */
  readonly started: Promise<void>
  /** Resolves with the last exit, when there will be no other. */
  readonly finished: Promise<Exit>
  /** SIGTERM, and SIGKILL after the grace; no restart any more. */
  stop(graceMs: number): Promise<void>
}

export function supervise(options: SuperviseOptions): Supervised {
  const { clock, backoff, onState } = options
  const started = Promise.withResolvers<void>()
  const stopping = new AbortController()
  let running: RunningContainer | undefined
  let restartCount = 0
  const stamp = () => new Date(clock.now()).toISOString()

  const once = async (): Promise<Exit> => {
    const id = options.newId()
    try {
      running = await options.start(id)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      onState({ id, restartCount, state: { kind: 'waiting', reason: 'RunContainerError', message } })
      return { exitCode: 128, signal: undefined }
    }
    onState({ id, restartCount, state: { kind: 'running', startedAt: stamp() } })
    started.resolve()
    // Whoever stopped it while it was being started found nobody to tell.
    if (stopping.signal.aborted) running.signal('SIGTERM')
    const exit = await running.exited
    running = undefined
    const reason = exit.exitCode === 0 ? 'Completed' : 'Error'
    onState({ id, restartCount, state: { kind: 'terminated', exitCode: exit.exitCode, reason, finishedAt: stamp() } })
    return exit
  }

  const again = ({ exitCode }: Exit): boolean =>
    !stopping.signal.aborted && (options.restart === 'Always' || (options.restart === 'OnFailure' && exitCode !== 0))

  const run = async (): Promise<Exit> => {
    for (;;) {
      const exit = await once()
      if (!again(exit)) return exit
      const delayMs = Math.min(backoff.initialMs * 2 ** restartCount, backoff.maxMs)
      restartCount++
      onState({ id: undefined, restartCount, state: { kind: 'waiting', reason: 'CrashLoopBackOff' } })
      const woken = await clock.sleep(delayMs, stopping.signal).then(() => true, () => false)
      if (!woken) return exit
    }
  }
  const finished = run()
  void finished.then(() => started.resolve())

  return {
    started: started.promise,
    finished,
    async stop(graceMs) {
      stopping.abort()
      running?.signal('SIGTERM')
      const inTime = new AbortController()
      const kill = clock.sleep(graceMs, inTime.signal).then(() => running?.signal('SIGKILL'), () => undefined)
      await finished
      inTime.abort()
      await kill
    },
  }
}
