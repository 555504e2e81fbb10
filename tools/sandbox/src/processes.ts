/** The suite's programs as child processes: started, watched until ready, stopped by their own id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Reaper } from './reaper.ts'

export interface ProgramSpec {
  readonly name: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  /** Base URL of its admin listener: it is up when `/readyz` says 200. Absent: it is up when it has ended with 0. */
  readonly adminUrl?: string
  /** It has no admin listener and runs for ever: it is up when it runs. */
  readonly daemon?: true
  /** Every JSON line that it logs. */
  readonly onLog?: (record: Readonly<Record<string, unknown>>) => void
  /** Ends it when this process is killed. */
  readonly reaper?: Reaper
  /** While it starts: abort, and it is killed at once. */
  readonly signal?: AbortSignal | undefined
}

export interface Program extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<number>
  /** Ends it without a farewell, as a crash would. */
  kill(): Promise<void>
}

/** Of one that runs: who ends before is seen at once. */
const READY_DEADLINE_MS = 60_000
const STOP_DEADLINE_MS = 5_000
const POLL_MS = 20

/** Resolves when the program is ready; throws with the end of its log when it ends before, or takes too long. */
export async function startProgram(spec: ProgramSpec): Promise<Program> {
  const [command = '', ...args] = spec.argv
  spec.signal?.throwIfAborted()
  // Of a group of its own: a terminal's Ctrl-C is for the sandbox, which ends its programs in order.
  const child = spawn(command, args, { env: { ...spec.env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  child.on('error', () => undefined)
  const { pid } = child
  if (pid === undefined) throw new Error(`${spec.name} cannot be started`)
  const owned = spec.reaper?.owns(pid)
  const { tail, written } = follow(child, spec)
  const exited = new Promise<number>((resolve) => child.once('close', (code) => void written.then(() => resolve(code ?? 128))))
  void exited.then(() => owned?.[Symbol.dispose]())
  const program: Program = {
    name: spec.name,
    pid,
    exited,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
      await exited
      clearTimeout(late)
    },
  }
  const killed = () => void child.kill('SIGKILL')
  spec.signal?.addEventListener('abort', killed)
  try {
    await started(spec, { exited, tail })
    return program
  } catch (error) {
    await program.kill()
    spec.signal?.throwIfAborted()
    throw error
  } finally {
    spec.signal?.removeEventListener('abort', killed)
  }
}

interface Starting {
  readonly exited: Promise<number>
  readonly tail: () => readonly string[]
}

async function started({ name, adminUrl, daemon, signal }: ProgramSpec, { exited, tail }: Starting): Promise<void> {
  const complain = (what: string) => new Error(`${name} ${what}; it said:\n${tail().join('\n')}`)
  if (daemon === true) return
  if (adminUrl === undefined) {
    const code = await exited
    if (code !== 0) throw complain(`ended with ${code}`)
  } else if (!(await untilReady(`${adminUrl}/readyz`, exited))) {
    throw complain('did not become ready')
  }
  signal?.throwIfAborted()
}

async function untilReady(url: string, exited: Promise<number>): Promise<boolean> {
  const stop = new AbortController()
  void exited.then(() => stop.abort())
  const deadline = performance.now() + READY_DEADLINE_MS
  while (!stop.signal.aborted && performance.now() < deadline) {
    const ready = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      async (answer) => (await answer.arrayBuffer(), answer.status === 200),
      () => false,
    )
    if (ready) return true
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return false
}

const TAIL_LINES = 20

/** `written` resolves when all that it said is in its log, after its end. */
function follow(child: ChildProcess, { logFile, onLog }: ProgramSpec) {
  const file = createWriteStream(logFile, { flags: 'a' }).on('error', () => undefined)
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`)
      last.push(line)
      if (last.length > TAIL_LINES) last.shift()
      const record = parse(line)
      if (record !== undefined) onLog?.(record)
    })
  }
  child.once('close', () => file.end())
  const written = new Promise<void>((resolve) => file.once('close', resolve))
  return { tail: (): readonly string[] => last, written }
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}
