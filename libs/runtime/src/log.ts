import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Never logged, whoever passes them and however deep within two objects. */
const SECRETS = ['key', 'keyPem', 'keyPEM', 'token', 'jwt', 'ntoken', 'attestationData', 'csr', 'authorization']

export interface LoggerOptions {
  readonly level: LogLevel
  /** Default: standard output, written synchronously so that nothing is lost at the end. */
  readonly destination?: DestinationStream
}

/** One JSON object a line: a static message, facts in fields (`log-fields.ts`), ISO times, secrets redacted. */
export function createLogger(program: string, { level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { program },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
