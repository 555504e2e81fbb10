import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger }

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Never logged, whoever passes them and however deep. */
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
    hooks: { streamWrite: withoutSecrets },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

const NAMED = new RegExp(`"(?:${SECRETS.join('|')})":`)

/** A whole line, since pino's own redaction walks every field of every record: a tenth of what a busy server does. */
function withoutSecrets(line: string): string {
  if (!NAMED.test(line)) return line
  return `${JSON.stringify(JSON.parse(line, censored))}\n`
}

const censored = (name: string, value: unknown): unknown => (SECRETS.includes(name) ? '[secret]' : value)
