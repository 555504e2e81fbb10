/** Runs a command of the machine, with a deadline. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ClusterError } from './error.ts'

const execute = promisify(execFile)
const DEADLINE_MS = 60_000
const LAST_LINES = 6

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly deadlineMs?: number
  /** What it reads on stdin. */
  readonly input?: string
  readonly signal?: AbortSignal | undefined
}

/** What it says on stdout. Throws `CLUSTER_COMMAND_FAILED` with its last words. */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  const { env = process.env, deadlineMs = DEADLINE_MS, input = '', signal } = options
  const [program, ...args] = argv
  try {
    const terms = { encoding: 'utf8', env, timeout: deadlineMs, maxBuffer: 16 << 20, ...(signal === undefined ? {} : { signal }) } as const
    const running = execute(program, args, terms)
    // A program that does not read what it is given has its own words for that.
    running.child.stdin?.on('error', () => undefined).end(input)
    return (await running).stdout
  } catch (cause) {
    signal?.throwIfAborted()
    throw new ClusterError('CLUSTER_COMMAND_FAILED', 'a command did not do it', { detail: `${argv.join(' ')}: ${lastWordsOf(cause)}`, cause })
  }
}

function lastWordsOf(cause: unknown): string {
  const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
  if (said !== '') return lastLines(said)
  return cause instanceof Error ? cause.message : String(cause)
}

export const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-LAST_LINES).join('\n')
