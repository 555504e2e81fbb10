/**
 * How a set of files replaces the one before, so that a reader sees the old set or the new set and never both.
 *
 *     <dir>/..20300101T000000.000Z.5C1D…/{key,cert}   a generation, written once, never changed
 *     <dir>/..data -> ..20300101T000000.000Z.5C1D…    one rename moves it from the old generation to the new
 *     <dir>/key    -> ..data/key                      what the settings call the file
 *
 * A reader of several files resolves `..data` once and opens them below that. It has a minute for it, however soon
 * that generation is replaced: the one before the current stays until the next publication, and so does whatever was
 * current within the last minute, up to a number.
 *
 * No rename spans two directories. Each is whole at any moment and after any crash; they are made current in the order
 * in which the files name them, keys before certificates (`outputFiles`). So whoever reads a certificate in one
 * directory and then the key in another has that key or a newer one, never an older; when they do not belong together
 * reading both again does.
 */
import { CredentialsError } from './error.ts'
import { generationName, generationsToKeep, isGeneration } from './generations.ts'
import type { OutputFile } from './output.ts'
import type { Step } from './step.ts'

/** What lies in an output directory before publication. */
export interface SeenDirectory {
  /** `mode & 0o7777` of the directory. */
  readonly mode: number
  readonly entries: readonly SeenEntry[]
}

export interface SeenEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'socket' | 'other'
  /** Of a symlink. */
  readonly target?: string
}

export interface PublicationOptions {
  /** Epoch milliseconds; with `serial` it names the generations. */
  readonly now: number
  /** Of the certificate in the set, hex. */
  readonly serial: string
  /** By path as in `directoriesOf`; a directory that is missing here does not exist yet. */
  readonly seen: ReadonlyMap<string, SeenDirectory>
  /** Directories that lose what was published in them, unless a file names them; last of all. */
  readonly emptied?: readonly string[]
}

/** Three lists of steps, to be carried out in order, each only after all of the one before. */
export interface Publication {
  /**
   * Writes the new generations. Nothing that a reader looks at changes, so all of it can be read back and judged
   * first.
   */
  readonly prepare: readonly Step[]
  /** Makes them current, one directory after the other. */
  readonly commit: readonly Step[]
  /** Removes generations that no reader can be at any more, and links to files no longer published. */
  readonly clean: readonly Step[]
  /** Where each file's new content lies after `prepare`, by the file's path. */
  readonly written: ReadonlyMap<string, string>
}

const DATA = '..data'
const NEW_DATA = '..data_tmp'
const NEW_LINK = '..link_tmp'
const HEX = /^[0-9A-Fa-f]+$/
const SETGID = 0o2000

/**
 * Throws `CredentialsError`: `OUTPUT_PATHS` for paths that cannot stand together, `OUTPUT_OCCUPIED` where a directory
 * stands in a file's place or `..data` is not ours.
 */
export function planPublication(files: readonly OutputFile[], options: PublicationOptions): Publication {
  if (!HEX.test(options.serial)) throw new TypeError('a serial is hex')
  const directories = new Map(byDirectory(files))
  for (const path of options.emptied ?? []) if (options.seen.has(path)) directories.set(path, directories.get(path) ?? [])
  const plans = [...directories].map(([path, members]) => planDirectory(path, members, options))
  return {
    prepare: plans.flatMap((plan) => plan.prepare),
    commit: plans.flatMap((plan) => plan.commit),
    clean: plans.flatMap((plan) => plan.clean),
    written: new Map(plans.flatMap((plan) => plan.written)),
  }
}

/** The directories to look at before planning. */
export const directoriesOf = (files: readonly OutputFile[]): readonly string[] => [...byDirectory(files).keys()]

interface Member extends OutputFile {
  readonly directory: string
  readonly name: string
}

function byDirectory(files: readonly OutputFile[]): ReadonlyMap<string, readonly Member[]> {
  const members = files.map((file): Member => {
    const cut = file.path.lastIndexOf('/')
    return { ...file, directory: file.path.slice(0, cut) || '/', name: file.path.slice(cut + 1) }
  })
  const paths = new Set(files.map((file) => file.path))
  const bad = members.find(({ path, directory }) => !isPlain(path) || paths.has(directory))
  if (bad !== undefined) throw new CredentialsError('OUTPUT_PATHS', 'not a path for an output file', { path: bad.path })
  if (paths.size < files.length) throw new CredentialsError('OUTPUT_PATHS', 'two output files have one path')
  return Map.groupBy(members, (member) => member.directory)
}

const PLAIN = /^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/
/** Absolute, in one spelling, and not a name that generations use. */
const isPlain = (path: string) => PLAIN.test(path) && !path.slice(path.lastIndexOf('/') + 1).startsWith('..')

function planDirectory(path: string, members: readonly Member[], { now, serial, seen }: PublicationOptions) {
  const { mode, entries } = seen.get(path) ?? { mode: 0o755, entries: [] }
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const at = (name: string) => (path === '/' ? `/${name}` : `${path}/${name}`)
  refuseOccupied(path, members, byName)

  const generation = generationName(now, serial, byName.keys())
  const inGeneration = (member: Member) => `${at(generation)}/${member.name}`
  const isShared = (mode & SETGID) !== 0
  const fileMode = ({ secret }: Member) => (secret ? (isShared ? 0o640 : 0o600) : 0o644)
  const link = (target: string, temporary: string, name: string): Step[] => [
    { do: 'unlink', path: at(temporary) },
    { do: 'symlink', target, path: at(temporary) },
    { do: 'rename', from: at(temporary), to: at(name) },
  ]
  const isLinked = ({ name }: Member) => byName.get(name)?.target === `${DATA}/${name}`
  return {
    prepare: [
      ...(seen.has(path) ? [] : [{ do: 'mkdirs', path, mode } as const]),
      { do: 'mkdir', path: at(generation), mode: isShared ? 0o755 | SETGID : 0o755 },
      ...members.map((it): Step => ({ do: 'create', path: inGeneration(it), content: it.content, mode: fileMode(it) })),
      { do: 'sync', path: at(generation) },
      { do: 'sync', path },
    ] satisfies Step[],
    commit: [
      ...link(generation, NEW_DATA, DATA),
      ...members.filter((it) => !isLinked(it)).flatMap(({ name }) => link(`${DATA}/${name}`, NEW_LINK, name)),
      { do: 'sync', path },
    ] satisfies Step[],
    clean: staleSteps(members, byName, { at, now }),
    written: members.map((it): [string, string] => [it.path, inGeneration(it)]),
  }
}

function refuseOccupied(path: string, members: readonly Member[], byName: ReadonlyMap<string, SeenEntry>): void {
  const data = byName.get(DATA)
  if (data !== undefined && (data.target === undefined || data.target.includes('/'))) {
    throw new CredentialsError('OUTPUT_OCCUPIED', 'the link to the current generation is something else', { path })
  }
  const taken = members.find(({ name }) => byName.get(name)?.kind === 'directory')
  if (taken === undefined) return
  throw new CredentialsError('OUTPUT_OCCUPIED', 'a directory stands in the place of a file', { path: taken.path })
}

interface Place {
  /** The path of a name. */
  readonly at: (name: string) => string
  readonly now: number
}

function staleSteps(members: readonly Member[], byName: ReadonlyMap<string, SeenEntry>, { at, now }: Place): Step[] {
  const wanted = new Set(members.map((member) => member.name))
  const entries = [...byName.values()]
  const links = entries.filter((it) => it.target === `${DATA}/${it.name}` && !wanted.has(it.name))
  const generations = entries.filter((it) => it.kind === 'directory' && isGeneration(it.name)).map(({ name }) => name)
  const kept = new Set(generationsToKeep(generations, byName.get(DATA)?.target, now))
  return [
    ...links.map(({ name }): Step => ({ do: 'unlink', path: at(name) })),
    ...generations.filter((name) => !kept.has(name)).map((name): Step => ({ do: 'discard', path: at(name) })),
  ]
}
