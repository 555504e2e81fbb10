export { type Clock, type Invocation, retry, type RetryOptions } from '@pallas/host'
export { againAndAgain, type AgainAndAgainOptions } from './again-and-again.ts'
export { systemClock } from './clock.ts'
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from './log.ts'
export type { LogFields } from './log-fields.ts'
export { type Counter, createMetrics, type Gauge, type Histogram, type Metric, type Metrics, type Registry } from './metrics.ts'
export { createRepeats, type Repeats, type RepeatsOptions } from './repeats.ts'
export { createRequestIds } from './request-ids.ts'
export { EXIT, type HostProcess, type Main, runMain } from './run.ts'
export { runUntilDisposed } from './run-until-disposed.ts'
export {
  readVersionedFiles,
  type VersionedFile,
  type VersionedFilesOptions,
  watchVersionedFiles,
  type WatchVersionedFilesOptions,
} from './versioned-files.ts'
export { watchFiles, type WatchFilesOptions } from './watch-files.ts'
export { openWatchedFile, type WatchedFile, type WatchedFileOptions } from './watched-file.ts'
