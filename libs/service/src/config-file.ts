/** The configuration file of a running server: followed, and what happens to it is one log record and a metric. */
import { type Clock, type LogFields, type Logger, type Metrics, openWatchedFile, type WatchedFile } from '@pallas/runtime'

export interface ConfigEventsOptions {
  readonly path: string
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'gauge'>
}

export interface ConfigFileOptions<T> extends ConfigEventsOptions {
  readonly clock: Clock
  /** Throws for content that must not count; `waiting` are the keys that count from the next start only. */
  readonly parse: (text: string) => T & { readonly waiting: readonly string[] }
}

/** Rejects when the file cannot be used at the start; afterwards the last good content counts. */
export function openConfigFile<T>(options: ConfigFileOptions<T>): Promise<WatchedFile<T>> {
  const { path, clock, parse } = options
  const events = createConfigEvents(options)
  return openWatchedFile({
    path,
    clock,
    parse,
    onChange: (now) => events.configReplaced(now),
    onFailure: (error) => events.configUnusable(error),
  })
}

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
