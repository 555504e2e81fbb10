/** The life of every server program: settings, log, metrics, then `start`; `--help` and `--version` load nothing more. */
import { type AnyProgram, readProgram, type SettingsOf } from '@pallas/config'
import { type Clock, createLogger, createMetrics, type LOG_LEVELS, type Logger, type Metrics, runMain, systemClock } from '@pallas/runtime'

export interface ServerDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
}

export interface ServerProgram<P extends AnyProgram> {
  /** Called `athenz-<name>`; its metrics are `athenz_<name>_…`. */
  readonly program: P
  readonly version: string
  /** Resolves when the server could be ready. Imports its composition root itself, so that help comes quickly. */
  readonly start: (settings: SettingsOf<P>, deps: ServerDeps) => Promise<AsyncDisposable>
}

export function runServer<P extends AnyProgram>(host: NodeJS.Process, server: ServerProgram<P>): Promise<void> {
  const { program, version, start } = server
  return runMain(host, async (invocation) => {
    const { argv, env } = invocation
    const reading = readProgram(program, { argv, env, version })
    if (reading.kind === 'print') return invocation.out(`${reading.text.trimEnd()}\n`)
    const settings = reading.settings as SettingsOf<P>
    const log = createLogger(program.name, { level: levelOf(settings) })
    const metrics = createMetrics(program.name.replace(/^athenz-/, '').replaceAll('-', '_'), { process: true })
    return start(settings, { clock: systemClock, log, metrics, env, version })
  }, program.name)
}

type LogLevel = (typeof LOG_LEVELS)[number]

/** Every server has the setting, by `serverSettings`. */
const levelOf = (settings: object): LogLevel => ('logLevel' in settings ? (settings.logLevel as LogLevel) : 'info')
