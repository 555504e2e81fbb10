/**
 * What this process has started ends with it, however it ends: a SIGKILL leaves no time to clean up, so a small process of
 * its own, at the other end of a pipe, does it then.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Reaper {
  /** The process group of that leader; until disposed, which is for when it has ended. */
  owns(leader: number): Disposable
}

const MAIN = fileURLToPath(new URL('reaper-main.ts', import.meta.url))

/** `dir` and what is mounted below it go as well. Disposed: nothing is done any more. */
export function openReaper(dir: string): Reaper & AsyncDisposable {
  const argv = ['--disable-warning=ExperimentalWarning', MAIN, dir]
  const child = spawn(process.execPath, argv, { env: {}, stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  child.stdin.on('error', () => undefined)
  child.unref()
  const tell = (line: string) => void (child.stdin.writable && child.stdin.write(`${line}\n`))
  return {
    owns(leader) {
      tell(`+${leader}`)
      return { [Symbol.dispose]: () => tell(`-${leader}`) }
    },
    async [Symbol.asyncDispose]() {
      child.ref()
      child.stdin.end('done\n')
      await ended
    },
  }
}
