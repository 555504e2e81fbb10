/** What a sandbox could leave behind on its host. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'

/** Processes whose command line, working directory or output names the directory, by what names it. */
export const processesOf = (dir: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => tracesOf(pid).filter((trace) => trace.includes(dir)))

/** Nothing of a process that has gone meanwhile. */
function read(look: () => string): string[] {
  try {
    return [look()]
  } catch {
    return []
  }
}

function tracesOf(pid: string): string[] {
  const links = ['cwd', 'fd/1', 'fd/2'].flatMap((name) => read(() => readlinkSync(`/proc/${pid}/${name}`)))
  return [...read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')), ...links]
}

export const mountsBelow = (dir: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.split(' ')[4]?.startsWith(dir))

export const leftoversOf = (dir: string) => ({ processes: processesOf(dir), mounts: mountsBelow(dir), exists: existsSync(dir) })

export const NOTHING_LEFT = { processes: [], mounts: [], exists: false }

export function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: '127.0.0.1', port })
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
