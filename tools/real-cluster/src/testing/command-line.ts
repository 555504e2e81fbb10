/** The tool as a user runs it: a process of its own, that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '../main.ts')

export interface CommandLine extends AsyncDisposable {
  readonly process: ChildProcess
  readonly lines: readonly string[]
  /** Resolves when it has said a line with these words; rejects when it ends before. */
  said(words: string): Promise<void>
  readonly exited: Promise<number | NodeJS.Signals>
}

export function commandLine(...args: readonly string[]): CommandLine {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const look of waiting) look()
    })
  }
  const { promise: exited, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>()
  child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal ?? 1))
  return {
    process: child,
    lines,
    exited,
    async said(words) {
      const { promise: found, resolve: find } = Promise.withResolvers<void>()
      const look = (): void => void (lines.some((line) => line.includes(words)) && find())
      waiting.add(look)
      look()
      const gone = exited.then((how) => Promise.reject(new Error(`ended with ${how} without a word of “${words}”:\n${lines.join('\n')}`)))
      try {
        await Promise.race([found, gone])
      } finally {
        waiting.delete(look)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
