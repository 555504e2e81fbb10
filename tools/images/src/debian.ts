/**
 * Packages of the distribution, unpacked beside each other in a cache of the user's: nothing is installed. apt's index,
 * whose signature apt has checked, says each package's version and SHA-256; what is downloaded must be just that.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readlink, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { userCache } from '@pallas/build'
import { ImagesError } from './error.ts'
import { type RunTool, runTool } from './tool.ts'

export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** Of the package file. */
  readonly sha256: string
  /** Where its files lie, as below `/`. */
  readonly root: string
  /** Its copyright file. */
  readonly licence: string
}

export interface DebianOptions {
  /** Where packages are kept; by default the user's cache directory. */
  readonly cache?: string
  /** Runs apt and dpkg. */
  readonly run?: RunTool
}

interface Terms {
  readonly cache: string
  readonly run: RunTool
}

/**
 * The newest version of the package that the machine's apt knows, for the machine's architecture. Throws
 * `IMAGES_NO_PACKAGE`, `IMAGES_CHECKSUM` or `IMAGES_TOOL_FAILED`.
 */
export async function debianPackage(name: string, options: DebianOptions = {}): Promise<DebianPackage> {
  const { cache = userCache('debian', process.env), run = runTool } = options
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name)) throw new ImagesError('IMAGES_NO_PACKAGE', 'not the name of a package', { name })
  await mkdir(cache, { recursive: true })
  const problems: unknown[] = []
  for (const index of [systemIndex, ownIndex]) {
    try {
      return await fromIndex(name, await index({ cache, run }), { cache, run })
    } catch (error) {
      if (error instanceof ImagesError && error.code === 'IMAGES_CHECKSUM') throw error
      problems.push(error)
    }
  }
  throw new ImagesError('IMAGES_NO_PACKAGE', 'apt gives no such package', { name }, new AggregateError(problems))
}

/** What makes apt read one index or another. */
type AptOptions = readonly string[]

const systemIndex = async (): Promise<AptOptions> => []

/** An index of our own, where the machine's is missing or too old to download by. */
async function ownIndex({ cache, run }: Terms): Promise<AptOptions> {
  const state = join(cache, 'index')
  await mkdir(join(state, 'lists', 'partial'), { recursive: true })
  const options = [`-oDir::State::Lists=${state}/lists`, '-oDir::Cache::pkgcache=', '-oDir::Cache::srcpkgcache=']
  await run(['apt-get', 'update', '-qq', '-oDebug::NoLocking=true', ...options])
  return options
}

interface Candidate {
  readonly version: string
  readonly architecture: string
  readonly sha256: string
}

async function fromIndex(name: string, apt: AptOptions, terms: Terms): Promise<DebianPackage> {
  const candidate = await candidateOf(name, apt, terms)
  const root = join(terms.cache, `${name}_${candidate.sha256.slice(0, 16)}`)
  if (!(await exists(root))) await unpack(name, candidate, root, apt, terms)
  return { name, ...candidate, root, licence: await licenceOf(name, root, terms) }
}

async function candidateOf(name: string, apt: AptOptions, { run }: Terms): Promise<Candidate> {
  const record = await run(['apt-cache', 'show', '--no-all-versions', ...apt, name])
  const field = (key: string): string | undefined => new RegExp(`^${key}: (.+)$`, 'm').exec(record)?.[1]
  const [version, architecture, sha256] = [field('Version'), field('Architecture'), field('SHA256')]
  if (version === undefined || architecture === undefined || sha256 === undefined) {
    throw new ImagesError('IMAGES_NO_PACKAGE', 'the index does not say enough about a package', { name })
  }
  return { version, architecture, sha256 }
}

/** Whole or not at all: made beside, renamed into place. */
async function unpack(name: string, { version, sha256 }: Candidate, root: string, apt: AptOptions, { run }: Terms): Promise<void> {
  const work = await mkdtemp(`${root}-`)
  try {
    await run(['apt-get', 'download', '-qq', ...apt, `${name}=${version}`], { cwd: work })
    const file = await onlyPackage(work, name)
    const found = await sha256Of(file)
    if (found !== sha256) throw new ImagesError('IMAGES_CHECKSUM', 'a package is not what the index says', { name, sha256, found })
    await run(['dpkg-deb', '-x', file, join(work, 'root')])
    await rename(join(work, 'root'), root).catch(async (cause: unknown) => {
      if (!(await exists(root))) throw cause
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function onlyPackage(dir: string, name: string): Promise<string> {
  const file = (await readdir(dir)).find((it) => it.endsWith('.deb'))
  if (file === undefined) throw new ImagesError('IMAGES_NO_PACKAGE', 'apt downloaded nothing', { name })
  return join(dir, file)
}

/** SHA-256 of a file, in hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Packages built of one source share one copyright file: the others' directories are links to the one that has it. */
async function licenceOf(name: string, root: string, terms: Terms): Promise<string> {
  const docs = join(root, 'usr/share/doc', name)
  const stats = await lstat(docs).catch(() => undefined)
  if (stats?.isSymbolicLink() === true) {
    const other = basename(await readlink(docs))
    if (other !== name) return (await debianPackage(other, terms)).licence
  }
  const licence = join(docs, 'copyright')
  if (await exists(licence)) return licence
  throw new ImagesError('IMAGES_FILE_MISSING', 'a package has no copyright file', { name })
}

const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false)
