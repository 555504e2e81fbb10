/** The Rust compiler of this machine, asked in a way that gives the same bytes wherever it stands. */
import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { StaticBuildError } from './error.ts'

const run = promisify(execFile)

/** As images and packages call them, and as Rust does. */
const TARGETS: Readonly<Record<string, string>> = {
  x86_64: 'x86_64-unknown-linux-gnu',
  aarch64: 'aarch64-unknown-linux-gnu',
}

const NODE_NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

export const machineArch = (): string => NODE_NAMES[process.arch] ?? process.arch

export function targetOf(arch: string): string {
  const target = TARGETS[arch]
  if (target === undefined) throw new StaticBuildError('STATIC_UNKNOWN_ARCH', `no static file is made for ${arch}: known are ${Object.keys(TARGETS).join(', ')}`)
  return target
}

/** What the compiler says of itself; it is a part of what a file is made of. */
export async function compilerVersion(): Promise<string> {
  try {
    await run('cargo', ['--version'])
    return (await run('rustc', ['-vV'])).stdout
  } catch (error) {
    throw new StaticBuildError('STATIC_NO_CARGO', 'static files are made with Rust: install cargo and rustc 1.95 or newer and a C compiler', error)
  }
}

export interface CargoPlaces {
  /** Where the crate stands. */
  readonly crate: string
  /** What `digestOf` says of it: cargo goes by the times of files, and they lie in several clones. */
  readonly source: string
  /** Where cargo keeps intermediate results; may be shared by several clones at once. */
  readonly buildDir: string
  /** Where cargo puts what it was asked for. */
  readonly targetDir: string
  readonly target: string
}

export interface CargoBuild extends CargoPlaces {
  /** As cargo calls it: `release` is for what is shipped, `dev` is compiled in less time. */
  readonly profile: 'release' | 'dev'
  readonly features: readonly string[]
  readonly bins: readonly string[]
  /** Directory of the compiled scripts. */
  readonly scripts: string
}

/** Builds programs of the crate; the directory they lie in. Only what `Cargo.lock` names is used. */
export async function cargoBuild({ profile, features, bins, scripts, ...places }: CargoBuild): Promise<string> {
  const args = ['build', '--profile', profile, ...argumentsOf(places)]
  if (features.length > 0) args.push('--features', features.join(','))
  for (const bin of bins) args.push('--bin', bin)
  try {
    await run('cargo', args, { ...optionsOf(places), env: { ...environmentOf(places), PALLAS_SCRIPTS: scripts } })
  } catch (error) {
    throw failureOf(error, places.target)
  }
  return join(places.targetDir, places.target, profile === 'dev' ? 'debug' : profile)
}

/** What only Rust can test of itself: parsers, and names in odd forms. Output goes where this process's does. */
export async function cargoTest(places: CargoPlaces): Promise<void> {
  const args = ['test', '--lib', '--quiet', '--features', 'network', ...argumentsOf(places)]
  try {
    process.stdout.write((await run('cargo', args, { ...optionsOf(places), env: environmentOf(places) })).stdout)
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new StaticBuildError('STATIC_CARGO_FAILED', `the tests of the host fail:\n${stdout}${stderr}`, error)
  }
}

const argumentsOf = ({ target, targetDir }: CargoPlaces): readonly string[] => ['--locked', '--target', target, '--target-dir', targetDir]

const optionsOf = ({ crate }: CargoPlaces) => ({ cwd: crate, maxBuffer: 64 * 1024 * 1024 })

/**
 * No path of the building machine stays in the file, and no library of it is needed where it runs. The same for every clone, or each
 * would compile all crates: cargo calls the compiler for our own crate with paths below it, so where that stands is in no file.
 */
function environmentOf({ source, buildDir, target }: CargoPlaces): NodeJS.ProcessEnv {
  const renamed = [
    [process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), '/cargo'],
    [buildDir, '/target'],
  ]
  return {
    ...process.env,
    CARGO_BUILD_BUILD_DIR: buildDir,
    CARGO_ENCODED_RUSTFLAGS: ['-Ctarget-feature=+crt-static', ...renamed.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)].join('\u001F'),
    [`CFLAGS_${target.replaceAll('-', '_')}`]: renamed.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`).join(' '),
    CARGO_INCREMENTAL: '0',
    CARGO_PROFILE_DEV_DEBUG: 'false',
    SOURCE_DATE_EPOCH: '0',
    PALLAS_SOURCE: source,
  }
}

function failureOf(error: unknown, target: string): StaticBuildError {
  const { stderr = '' } = error as { readonly stderr?: string }
  if (stderr.includes('target may not be installed')) {
    return new StaticBuildError('STATIC_NO_TARGET', `this Rust cannot build for ${target}: rustup target add ${target}`, error)
  }
  return new StaticBuildError('STATIC_CARGO_FAILED', `cargo failed:\n${stderr}`, error)
}
