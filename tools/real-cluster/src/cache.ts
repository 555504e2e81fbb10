/**
 * The programs, built once per user: `<cache>/pallas/cluster/<module>-<key>/<program>`, where the key covers all that decides
 * about their bytes. Each is placed whole, by a rename, so that what lies there can be taken; what is cut short begins anew
 * with the next program.
 */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { userCache } from '@pallas/build'
import { goArguments, goBuild, MODULES_DIRECTORY } from './go-build.ts'
import { lock } from './lock.ts'
import { MODULES, type ModuleName, PROGRAMS, type ProgramSource } from './programs.ts'

/** Name → path of each program, and the directory of each module's. */
export interface Programs {
  readonly path: (name: string) => string
  readonly directories: readonly string[]
}

export interface CacheOptions {
  readonly env: NodeJS.ProcessEnv
  /** As `go env GOVERSION` and `GOARCH` say it. */
  readonly goVersion: string
  readonly goArch: string
}

export interface BuildOptions extends CacheOptions {
  readonly say: (line: string) => void
  /** Called before the first build: the machine may lack what only builds need. */
  readonly beforeBuild?: () => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export const cacheDirectory = (env: NodeJS.ProcessEnv): string => userCache('cluster', env)

/** Where the programs are, or will be. */
export function locatePrograms(options: CacheOptions): Programs {
  const directories = new Map(MODULES.map((module) => [module, join(cacheDirectory(options.env), `${module}-${keyOf(module, options)}`)]))
  const modules = new Map(PROGRAMS.map(({ name, module }) => [name, module]))
  return {
    directories: [...directories.values()],
    path: (name) => {
      const directory = directories.get(modules.get(name) ?? 'pause')
      if (directory === undefined || !modules.has(name)) throw new TypeError(`no such program: ${name}`)
      return join(directory, name)
    },
  }
}

/** Builds what is missing. Two that want the same wait for each other. */
export async function ensurePrograms(options: BuildOptions): Promise<Programs> {
  const programs = locatePrograms(options)
  const missing = () => PROGRAMS.filter(({ name }) => !existsSync(programs.path(name)))
  if (missing().length === 0) return programs
  await options.beforeBuild?.()
  const onWait = () => options.say('another build into the same cache is running: waiting for it …')
  const place = createHash('sha256').update(programs.directories.join()).digest('hex').slice(0, 16)
  await using _held = await lock(`build/${place}`, { deadlineMs: 3_600_000, onWait, signal: options.signal })
  removeDrafts(programs)
  const left = missing()
  if (left.length > 0) await buildAll(left, programs, options)
  return programs
}

/** Of builds that were killed; a compiler that outlived its build places one even later. */
function removeDrafts({ directories }: Programs): void {
  for (const directory of directories.filter((it) => existsSync(it))) {
    for (const name of readdirSync(directory).filter((it) => it.endsWith(DRAFT))) rmSync(join(directory, name))
  }
}

const DRAFT = '.draft'

async function buildAll(missing: readonly ProgramSource[], programs: Programs, { say, signal }: BuildOptions): Promise<void> {
  const usual = missing.reduce((sum, { usualSeconds }) => sum + usualSeconds, 0)
  say(`${missing.length} to build, once: about ${Math.ceil(usual / 60)} min on two cores from nothing, seconds when Go's caches are warm`)
  for (const [index, program] of missing.entries()) {
    say(`[${index + 1}/${missing.length}] ${program.name} … (from nothing about ${program.usualSeconds} s)`)
    const seconds = await timed(() => buildOne(program, programs.path(program.name), signal), (passed) => say(`      still at it: ${passed} s`))
    say(`[${index + 1}/${missing.length}] ${program.name}: ${seconds.toFixed(1)} s`)
  }
}

const STILL_MS = 30_000

async function timed(work: () => Promise<void>, still: (seconds: number) => void): Promise<number> {
  const begun = performance.now()
  const passed = () => (performance.now() - begun) / 1_000
  const beat = setInterval(() => still(Math.round(passed())), STILL_MS)
  try {
    await work()
    return passed()
  } finally {
    clearInterval(beat)
  }
}

async function buildOne(program: ProgramSource, path: string, signal: AbortSignal | undefined): Promise<void> {
  const draft = `${path}.${process.pid}${DRAFT}`
  mkdirSync(join(path, '..'), { recursive: true })
  try {
    await goBuild(program, draft, { signal })
    // A machine that loses its power must not find an empty program under a whole one's name.
    const fd = openSync(draft, 'r')
    fsyncSync(fd)
    closeSync(fd)
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** All that decides about the bytes: pins and sums, sources of ours, how Go is called, which Go, for which machine. */
export function keyOf(module: ModuleName, { goVersion, goArch }: CacheOptions, modules = MODULES_DIRECTORY): string {
  const hash = createHash('sha256')
  const add = (...parts: readonly string[]) => parts.forEach((part) => void hash.update(`${Buffer.byteLength(part)}:${part}`))
  add(goVersion, goArch)
  const directory = join(modules, module)
  for (const file of readdirSync(directory).sort()) add(file, readFileSync(join(directory, file), 'utf8'))
  const goMod = readFileSync(join(directory, 'go.mod'), 'utf8')
  for (const program of PROGRAMS.filter((it) => it.module === module)) add(program.name, ...goArguments(program, goMod, ''))
  return hash.digest('hex').slice(0, 16)
}
