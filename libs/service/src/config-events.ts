/** What happens to the configuration file of a running server: each event is one log record and a metric. */
import type { LogFields, Logger, Metrics } from '@pallas/runtime'

export interface ConfigEventsOptions {
  readonly path: string
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'gauge'>
}

export type ConfigEvents = ReturnType<typeof createConfigEvents>

export function createConfigEvents({ path, log, metrics }: ConfigEventsOptions) {
  const unusable = metrics.gauge({
    name: 'config_unusable',
    help: '1 while the configuration file cannot be used as it is now, so that its last good content counts.',
  })
  const restart = metrics.gauge({
    name: 'config_restart_needed',
    help: '1 while the configuration file says something that counts only from the next start on.',
  })
  return {
    /** `waiting`: the keys that count from the next start only. */
    configReplaced({ waiting }: { readonly waiting: readonly string[] }): void {
      unusable.set(0)
      restart.set(waiting.length === 0 ? 0 : 1)
      log.info({ path } satisfies LogFields, 'configuration replaced')
      if (waiting.length === 0) return
      log.warn({ path, problems: waiting } satisfies LogFields, 'some of the configuration counts only after a restart')
    },
    configUnusable(err: unknown): void {
      unusable.set(1)
      log.error({ path, err } satisfies LogFields, 'new configuration cannot be used, keeping the old')
    },
  }
}
