/** A command after a change: no shell, nothing on its standard input, an environment of three variables, a deadline. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '@pallas/host'
import type { Change } from '../companions.ts'
import { SiaError } from '../error.ts'
import type { HookOutcome } from './events.ts'
import { keepTail } from './hook-output.ts'

export interface CommandOptions {
  /** Absolute path of the program, then its arguments. */
  readonly argv: readonly string[]
  readonly timeoutMs: number
  /** How long it may go on once this program was asked to stop. */
  readonly stopMs: number
  readonly clock: Clock
  readonly kill: (pid: number, signal: NodeJS.Signals) => void
}

export interface CommandResult {
  readonly outcome: HookOutcome
  /** The end of what it printed. */
  readonly output: string
  /** `SIA_HOOK_FAILED`. */
  readonly err?: SiaError
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000
/** What a program that has ended left in its pipes is there at once; whoever inherited them is not waited for. */
const LAST_WORDS_MS = 200
/** The kernel takes no variable of more than 128 KiB. */
const LONGEST_VARIABLE = 64 * 1_024

type End = { readonly code: number | null; readonly by: string | null } | { readonly error: unknown }

/** Never rejects. */
export async function runCommand(change: Change, options: CommandOptions, signal: AbortSignal): Promise<CommandResult> {
  const child = start(options.argv, change)
  if ('error' in child) return { output: '', ...judge(child, undefined) }
  // Without a free descriptor there are no pipes, whatever the types say.
  const output = keepTail(...[child.stdout, child.stderr].filter((it) => it !== undefined))
  const ended = endOf(child)
  const cut = await firstOf(ended, options, signal)
  if (cut !== undefined) await terminate(child, ended, options)
  const end = await ended
  await output.settled(options.clock, LAST_WORDS_MS)
  return { output: output.text(), ...judge(end, cut) }
}

/** A process group of its own, so that what it starts ends with it. */
function start([file = '', ...args]: readonly string[], change: Change) {
  try {
    const env = environmentOf(change)
    return spawn(file, args, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  } catch (error) {
    return { error }
  }
}

function judge(end: End, cut: 'timed-out' | 'stopped' | undefined): Pick<CommandResult, 'outcome' | 'err'> {
  if ('error' in end) return { outcome: 'failed', err: failed('the hook command cannot be run', {}, end.error) }
  const facts = { exitCode: end.code, signal: end.by }
  if (cut === 'timed-out') return { outcome: cut, err: failed('the hook command did not end in time', facts) }
  if (cut === 'stopped') return { outcome: cut, err: failed('the hook command was ended', facts) }
  return end.code === 0 ? { outcome: 'ok' } : { outcome: 'failed', err: failed('the hook command failed', facts) }
}

const failed = (message: string, facts: Record<string, unknown>, cause?: unknown) =>
  new SiaError('SIA_HOOK_FAILED', message, facts, cause)

function endOf(child: ChildProcess): Promise<End> {
  const { promise, resolve } = Promise.withResolvers<End>()
  child.once('error', (error) => resolve({ error }))
  child.once('exit', (code, by) => resolve({ code, by }))
  return promise
}

/** Undefined when it ended by itself. */
async function firstOf(ended: Promise<End>, { timeoutMs, stopMs, clock }: CommandOptions, signal: AbortSignal) {
  const over = new AbortController()
  const stop = Promise.withResolvers<void>()
  const onAbort = () => stop.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const late = clock.sleep(timeoutMs, over.signal).then(() => 'timed-out' as const)
  const stopped = stop.promise.then(() => clock.sleep(stopMs, over.signal)).then(() => 'stopped' as const)
  for (const each of [late, stopped]) each.catch(() => {})
  try {
    return await Promise.race([ended.then(() => undefined), late, stopped])
  } finally {
    over.abort()
    signal.removeEventListener('abort', onAbort)
  }
}

async function terminate(child: ChildProcess, ended: Promise<End>, { clock, kill }: CommandOptions): Promise<void> {
  const toGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) kill(-child.pid, signal)
    } catch {
      // All of it has ended.
    }
  }
  const over = new AbortController()
  const grace = clock.sleep(GRACE_MS, over.signal)
  grace.catch(() => {})
  toGroup('SIGTERM')
  await Promise.race([ended, grace])
  over.abort()
  toGroup('SIGKILL')
}

function environmentOf({ members, paths }: Change): Record<string, string> {
  const kinds = [...new Set(members.map(({ kind }) => kind))].join(',')
  const list = paths.join('\n')
  return {
    PATH,
    ATHENZ_SIA_CHANGED_KINDS: kinds,
    ...(list.length > LONGEST_VARIABLE ? {} : { ATHENZ_SIA_CHANGED_PATHS: list }),
  }
}
