/** Runs a tool of the machine, with a deadline. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ImagesError } from './error.ts'

const run = promisify(execFile)
const DEADLINE_MS = 300_000
const OUTPUT_LIMIT = 64 << 20

export interface ToolOptions {
  readonly cwd?: string
}

export type RunTool = (argv: readonly [string, ...string[]], options?: ToolOptions) => Promise<string>

/** What it says on stdout. Throws `IMAGES_TOOL_FAILED` with what it says on stderr. */
export const runTool: RunTool = async (argv, { cwd } = {}) => {
  const [program, ...args] = argv
  try {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
    const options = { encoding: 'utf8', env, timeout: DEADLINE_MS, maxBuffer: OUTPUT_LIMIT, ...(cwd === undefined ? {} : { cwd }) } as const
    return (await run(program, args, options)).stdout
  } catch (cause) {
    throw new ImagesError('IMAGES_TOOL_FAILED', `${program} did not do it`, { argv, said: lastWords(cause) }, cause)
  }
}

function lastWords(cause: unknown): string {
  const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : ''
  return said.trim().split('\n').slice(-3).join('\n')
}
