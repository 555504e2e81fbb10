/** Makes static files: TypeScript → one module → the engine's bytecode → a file with engine and host around it. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../repository.ts'
import { buildDirectory } from './cache.ts'
import { StaticBuildError } from './error.ts'
import { digestOf } from './inputs.ts'
import { DOOR, STATIC_PROGRAMS, type StaticProgram } from './programs.ts'
import { scriptOf } from './scripts.ts'
import { cargoBuild, cargoTest, compilerVersion, machineArch, targetOf } from './toolchain.ts'

const run = promisify(execFile)
const CRATE = join(REPOSITORY, 'libs/linux/native')
const INPUTS = '.inputs'
const WORK = '.work-'
const LEFT_MS = 3_600_000

export interface StaticOptions {
  /** `x86_64` or `aarch64`; that of this machine by default. */
  readonly arch?: string
  /** Where files are put, `<outdir>/<arch>/<program>`; `build/static` by default. */
  readonly outdir?: string
  /** Where the crate stands; `libs/linux/native` by default. */
  readonly crate?: string
  /** Where cargo keeps intermediate results; a cache of the user by default. */
  readonly buildDir?: string
  /** Called before anything is compiled, which takes minutes. */
  readonly onCompile?: () => void
}

export interface StaticFile {
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

export interface StaticBuild {
  readonly files: readonly StaticFile[]
  /** Nothing had changed since the files were made. */
  readonly isUnchanged: boolean
}

/** Where `buildStatic` puts a program for this machine; `STATIC_NOT_BUILT` when it has not. */
export function staticProgram(name: string): string {
  const path = join(REPOSITORY, 'build/static', machineArch(), name)
  if (existsSync(path)) return path
  throw new StaticBuildError('STATIC_NOT_BUILT', `${name} has not been built: npm run build:static`)
}

/** The programs of the suite as static files. */
export const buildStatic = (options: StaticOptions = {}): Promise<StaticBuild> => make(STATIC_PROGRAMS, join(REPOSITORY, 'build/static'), options)

/** The door for the contract suite, apart from what is shipped. */
export const buildDoor = (options: StaticOptions = {}): Promise<StaticBuild> => make([DOOR], join(REPOSITORY, 'build/static-tests'), options)

async function make(programs: readonly StaticProgram[], place: string, options: StaticOptions): Promise<StaticBuild> {
  const { arch = machineArch(), outdir = place, crate = CRATE, onCompile } = options
  const target = targetOf(arch)
  const [compiler, scripts] = await Promise.all([compilerVersion(), Promise.all(programs.map(({ entry }) => scriptOf(entry)))])
  const inputs = digestOf(crate, [compiler, target, JSON.stringify(programs), ...scripts])
  const dir = join(outdir, arch)
  const made = () => Promise.all(programs.map(({ name }) => fileAt(join(dir, name), name)))
  const stamp = join(dir, INPUTS)
  const before = programs.every(({ name }) => existsSync(join(dir, name))) ? await made() : undefined
  if (before !== undefined && (await readFile(stamp, 'utf8').catch(() => '')) === stampOf(inputs, before)) return { files: before, isUnchanged: true }
  onCompile?.()
  await mkdir(dir, { recursive: true })
  const buildDir = options.buildDir ?? (await buildDirectory(crate, compiler))
  await compile({ programs, scripts, target, crate, buildDir, dir })
  const files = await made()
  await writeFile(stamp, stampOf(inputs, files))
  return { files, isUnchanged: false }
}

/** What was made of what: a file that something else put there is made anew. */
const stampOf = (inputs: string, files: readonly StaticFile[]): string => [inputs, ...files.map(({ sha256 }) => sha256)].join('\n')

/** The tests that the host has of its own. */
export async function testHost(): Promise<void> {
  const targetDir = await mkdtemp(join(tmpdir(), 'cargo-'))
  try {
    const buildDir = await buildDirectory(CRATE, await compilerVersion())
    await cargoTest({ crate: CRATE, source: digestOf(CRATE, []), buildDir, targetDir, target: targetOf(machineArch()) })
  } finally {
    await rm(targetDir, { recursive: true, force: true })
  }
}

interface Work {
  readonly programs: readonly StaticProgram[]
  readonly scripts: readonly string[]
  readonly target: string
  readonly crate: string
  readonly buildDir: string
  readonly dir: string
}

async function compile({ programs, scripts, target, crate, buildDir, dir }: Work): Promise<void> {
  await sweep(dir)
  const work = await mkdtemp(join(dir, WORK))
  try {
    const common = { crate, source: digestOf(crate, []), buildDir, targetDir: join(work, 'cargo'), scripts: work }
    // Bytecode is the same for every machine of 64 bits in this byte order: it is made on the one that builds.
    const tools = await cargoBuild({ ...common, profile: 'dev', target: targetOf(machineArch()), features: [], bins: ['compile'] })
    for (const [index, { name }] of programs.entries()) {
      await writeFile(join(work, `${name}.mjs`), scripts[index] ?? '')
      await run(join(tools, 'compile'), [name, join(work, `${name}.mjs`), join(work, `${name}.bin`)])
    }
    for (const features of new Set(programs.map((each) => each.features.join(',')))) {
      const bins = programs.filter((each) => each.features.join(',') === features).map(({ name }) => name)
      const made = await cargoBuild({ ...common, profile: 'release', target, features: features === '' ? [] : [features], bins })
      for (const bin of bins) await place(join(made, bin), join(dir, bin), work)
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** What builds that were killed have left; one takes minutes. */
async function sweep(dir: string): Promise<void> {
  for (const name of (await readdir(dir)).filter((it) => it.startsWith(WORK))) {
    const path = join(dir, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > LEFT_MS) await rm(path, { recursive: true, force: true })
  }
}

/** By rename: whoever runs or copies the file that was there keeps a whole one. */
async function place(from: string, to: string, work: string): Promise<void> {
  const beside = join(work, 'placed')
  await copyFile(from, beside)
  await chmod(beside, 0o755)
  await rename(beside, to)
}

async function fileAt(path: string, name: string): Promise<StaticFile> {
  const content = await readFile(path)
  return { name, path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}
