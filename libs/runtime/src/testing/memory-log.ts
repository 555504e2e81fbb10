import { createLogger, type Logger, type LogLevel } from '../log.ts'

export interface MemoryLog {
  readonly log: Logger
  /** What was logged, parsed: redacted as in production. */
  readonly records: readonly Record<string, unknown>[]
  /** All of it as it would stand in the file: for asserting what is not there. */
  readonly text: () => string
}

/** The real logger, writing to memory. */
export function memoryLog(level: LogLevel = 'debug'): MemoryLog {
  const lines: string[] = []
  const records: Record<string, unknown>[] = []
  const write = (line: string): void => {
    lines.push(line)
    records.push(JSON.parse(line) as Record<string, unknown>)
  }
  return { log: createLogger('test', { level, destination: { write } }), records, text: () => lines.join('') }
}
