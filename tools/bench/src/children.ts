/** Processes measured from outside: started, waited for, and killed by their own id when the bench is told to stop. */
import { spawn } from 'node:child_process'

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Called before the child has run its first instruction of ours: a shell waits for it to be over, and becomes the child. */
  readonly onStart?: (pid: number) => void
}

export interface Ended {
  /** From before it was started until its end was seen. */
  readonly ms: number
  readonly code: number
  /** Both streams, as one text. */
  readonly output: string
}

export const ENV: Readonly<Record<string, string>> = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }

/** Its `exec` keeps the process id. */
const HELD = ['/bin/sh', '-c', 'read -r go && exec "$@" </dev/null', 'sh']

export function runToEnd(argv: readonly string[], options: ChildOptions, signal: AbortSignal): Promise<Ended> {
  const { env = ENV, cwd, onStart } = options
  const [command = '', ...args] = onStart === undefined ? argv : [...HELD, ...argv]
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const start = performance.now()
  const more = cwd === undefined ? {} : { cwd }
  const ending = { signal, killSignal: 'SIGKILL' } as const
  const child = spawn(command, args, { env: { ...env }, stdio: [onStart === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], ...ending, ...more })
  if (child.pid !== undefined) onStart?.(child.pid)
  // A child that is killed before it reads is told by its end.
  child.stdin?.on('error', () => undefined).end('go\n')
  let output = ''
  let ms = 0
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.once('error', reject)
  child.once('exit', () => (ms = performance.now() - start))
  child.once('close', (code) => resolve({ ms, code: code ?? 128, output }))
  return promise
}

/** Throws with what it said when it does not end with 0. */
export async function mustRun(argv: readonly string[], options: ChildOptions, signal: AbortSignal): Promise<Ended> {
  const ended = await runToEnd(argv, options, signal)
  if (ended.code === 0) return ended
  throw new Error(`${argv.slice(0, 4).join(' ')} … ended with ${ended.code}: ${ended.output.slice(-SHOWN)}`)
}

const SHOWN = 800
