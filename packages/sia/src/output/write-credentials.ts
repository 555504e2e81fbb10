/** All files or none: puts a set of files in the place of the one before (`@pallas/credentials` says how). */
import {
  directoriesOf,
  type OutputFile,
  planPublication,
  type Publication,
  type SeenDirectory,
  type SeenEntry,
  type Step,
} from '@pallas/credentials'
import { type Files, type FileStat, HostError } from '@pallas/host'
import { SiaError } from '../error.ts'

export interface WriteDeps {
  readonly files: Files
  /** Epoch milliseconds. */
  readonly now: number
  /** Of the certificate in the set, hex. */
  readonly serial: string
  /** Directories that lose whatever was put there before, where the files name them no more. */
  readonly emptied?: readonly string[]
  /** Told what stays behind when old generations cannot be removed: the new set is in place nevertheless. */
  readonly onLeftover: (error: unknown) => void
}

/**
 * Until it resolves readers of a directory see the old set or the new set. Throws `HostError`, `CredentialsError` or
 * `SiaError`; a failure before the first swap leaves nothing new behind.
 */
export async function writeCredentials(output: readonly OutputFile[], deps: WriteDeps): Promise<void> {
  const { files, now, serial, emptied = [] } = deps
  const { seen, groups } = await look([...new Set([...directoriesOf(output), ...emptied])], files)
  const plan = planPublication(output, { now, serial, seen, emptied })
  await prepare(output, plan, { files, groups })
  for (const step of plan.commit) await carryOut(step, files)
  await clean(plan, deps)
}

/** What cannot be removed keeps nothing else; the first of it is told. */
async function clean({ clean }: Publication, { files, onLeftover }: WriteDeps): Promise<void> {
  const left: HostError[] = []
  for (const step of clean) {
    try {
      await carryOut(step, files)
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      left.push(error)
    }
  }
  if (left.length > 0) onLeftover(left[0])
}

interface PrepareDeps {
  readonly files: Files
  readonly groups: Looked['groups']
}

/** Writes and reads back; what was made is removed when that fails. */
async function prepare(
  output: readonly OutputFile[],
  { prepare, written }: Publication,
  { files, groups }: PrepareDeps,
): Promise<void> {
  const made: string[] = []
  try {
    for (const step of prepare) {
      if (step.do === 'create') {
        const gid = groups.get(directoryOf(directoryOf(step.path)))
        await files.createOwn(step.path, bytesOf(step.content), step.mode, gid)
      } else await carryOut(step, files)
      if (step.do === 'mkdir') made.push(step.path)
      // Somebody else may have been faster.
      if (step.do === 'mkdirs') mustBeOurs(step.path, await files.stat(step.path))
    }
    for (const { path, content } of output) await mustHold(written.get(path) ?? path, bytesOf(content), files)
  } catch (error) {
    for (const path of made) await files.discard(path).catch(() => undefined)
    throw error
  }
}

async function mustHold(path: string, content: Uint8Array, files: Files): Promise<void> {
  const found = await files.readOwn(path, content.length)
  if (found.length === content.length && found.every((byte, i) => byte === content[i])) return
  throw new SiaError('SIA_READ_BACK', 'a file does not hold what was written', { path })
}

interface Looked {
  readonly seen: ReadonlyMap<string, SeenDirectory>
  /** Who may read secrets, by directory, where a group may. */
  readonly groups: ReadonlyMap<string, number>
}

/** What is missing is left out. Throws `SIA_OUTPUT_REFUSED` for anything but a directory of ours, a symlink to one included. */
async function look(directories: readonly string[], files: Files): Promise<Looked> {
  const seen = new Map<string, SeenDirectory>()
  const groups = new Map<string, number>()
  for (const path of directories) {
    const stat = await files.stat(path)
    if (stat === undefined) continue
    mustBeOurs(path, stat)
    if ((stat.mode & SETGID) !== 0) groups.set(path, stat.gid)
    const entries = await Promise.all((await files.list(path)).map((name) => entryOf(path, name, files)))
    seen.set(path, { mode: stat.mode, entries: entries.filter((entry) => entry !== undefined) })
  }
  return { seen, groups }
}

/**
 * Whoever owns a directory says by its mode who may read what is put there, so that it must be this program's user or
 * root: the kubelet makes volumes as root, for the group of the pod.
 */
function mustBeOurs(path: string, stat: FileStat | undefined): asserts stat is FileStat {
  if (stat?.kind !== 'directory') {
    throw new SiaError('SIA_OUTPUT_REFUSED', 'the place of an output directory is taken', { path, kind: stat?.kind })
  }
  if (stat.isOwn || stat.uid === 0) return
  throw new SiaError('SIA_OUTPUT_REFUSED', 'the output directory belongs to another user', { path, uid: stat.uid })
}

async function entryOf(directory: string, name: string, files: Files): Promise<SeenEntry | undefined> {
  const path = `${directory}/${name}`
  const kind = (await files.stat(path))?.kind
  if (kind === undefined) return undefined
  return kind === 'symlink' ? { name, kind, target: await files.readlink(path) } : { name, kind }
}

function carryOut(step: Step, files: Files): Promise<void> {
  switch (step.do) {
    case 'mkdirs':
      return files.mkdirs(step.path, step.mode)
    case 'mkdir':
      return files.mkdir(step.path, step.mode)
    case 'create':
      return files.create(step.path, bytesOf(step.content), step.mode)
    case 'symlink':
      return files.symlink(step.target, step.path)
    case 'rename':
      return files.rename(step.from, step.to)
    case 'unlink':
      return files.unlink(step.path)
    case 'sync':
      return files.syncDirectory(step.path)
    case 'discard':
      return files.discard(step.path)
  }
}

const SETGID = 0o2000

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content
