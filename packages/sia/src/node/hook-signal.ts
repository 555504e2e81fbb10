/**
 * A signal after a change, to the process whose number lies in a file. The file is read anew each time, and believed
 * only when nobody but this user or root could have written it: whoever can write it chooses who is signalled. A number
 * that another process has got since is not signalled.
 */
import { constants, open } from 'node:fs/promises'
import { SiaError } from '../error.ts'
import type { PidFile, PidOwners } from './pid-owner.ts'

export interface SignalOptions {
  readonly pidFile: string
  readonly signal: NodeJS.Signals
  readonly process: Pick<NodeJS.Process, 'kill' | 'geteuid' | 'pid'>
  readonly owners: PidOwners
}

const LONGEST = 16
const WRITABLE_BY_OTHERS = 0o022

/** Throws `SiaError` `SIA_HOOK_FAILED`. */
export async function signalPidFile({ pidFile, signal, process, owners }: SignalOptions): Promise<void> {
  const file = await readPid(pidFile, process.geteuid?.() ?? 0)
  const { pid } = file
  if (!(await owners.isSame(file))) throw refused('the number in the pid file has gone to another process', pidFile)
  if (pid === process.pid) throw refused('the pid file names this program itself', pidFile)
  try {
    process.kill(pid, 0)
    process.kill(pid, signal)
  } catch (cause) {
    throw refused('the process in the pid file cannot be signalled', pidFile, cause)
  }
}

/** Throws as `signalPidFile`. */
export async function readPid(path: string, ownUid: number): Promise<PidFile> {
  try {
    // Not blocking: a named pipe in the way must not hold us up.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) throw refused('the pid file is no file', path)
    if (stat.uid !== ownUid && stat.uid !== 0) throw refused('the pid file belongs to somebody else', path)
    if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) throw refused('others may write the pid file', path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST), 0, LONGEST, 0)
    const pid = parsePid(buffer.toString('latin1', 0, bytesRead), path)
    return { pid, version: `${stat.dev}:${stat.ino}:${stat.mtimeMs}:${stat.ctimeMs}`, writtenAt: stat.mtimeMs }
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
