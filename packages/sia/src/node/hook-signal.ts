/**
 * A signal after a change, to the process whose number lies in a file. The file is read anew each time, and believed
 * only when nobody but this user or root could have written it: whoever can write it chooses who is signalled.
 */
import { constants, open } from 'node:fs/promises'
import { SiaError } from '../error.ts'

export interface SignalOptions {
  readonly pidFile: string
  readonly signal: NodeJS.Signals
  readonly process: Pick<NodeJS.Process, 'kill' | 'geteuid' | 'pid'>
}

const LONGEST = 16
const WRITABLE_BY_OTHERS = 0o022

/** Throws `SiaError` `SIA_HOOK_FAILED`. */
export async function signalPidFile({ pidFile, signal, process }: SignalOptions): Promise<void> {
  const pid = await readPid(pidFile, process.geteuid?.() ?? 0)
  if (pid === process.pid) throw refused('the pid file names this program itself', pidFile)
  try {
    process.kill(pid, 0)
    process.kill(pid, signal)
  } catch (cause) {
    throw refused('the process in the pid file cannot be signalled', pidFile, cause)
  }
}

async function readPid(path: string, ownUid: number): Promise<number> {
  try {
    // Not blocking: a named pipe in the way must not hold us up.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) throw refused('the pid file is no file', path)
    if (stat.uid !== ownUid && stat.uid !== 0) throw refused('the pid file belongs to somebody else', path)
    if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) throw refused('others may write the pid file', path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST), 0, LONGEST, 0)
    return parsePid(buffer.toString('latin1', 0, bytesRead), path)
  } catch (error) {
    if (error instanceof SiaError) throw error
    throw refused('the pid file cannot be read', path, error)
  }
}

function parsePid(text: string, path: string): number {
  const pid = /^[1-9][0-9]{0,9}\n?$/.test(text) ? Number(text) : 0
  if (pid <= 1) throw refused('the pid file holds no number of a process', path)
  return pid
}

const refused = (message: string, path: string, cause?: unknown) =>
  new SiaError('SIA_HOOK_FAILED', message, { path }, cause)
