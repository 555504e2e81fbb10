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

export interface CargoBuild {
  /** Where the crate stands. */
  readonly crate: string
  /** Where cargo keeps what it made. */
  readonly targetDir: string
  readonly target: string
  readonly features: readonly string[]
  readonly bins: readonly string[]
  /** Directory of the compiled scripts. */
  readonly scripts: string
}

/** Builds programs of the crate; the directory they lie in. Only what `Cargo.lock` names is used. */
export async function cargoBuild({ crate, targetDir, target, features, bins, scripts }: CargoBuild): Promise<string> {
  const args = ['build', '--release', '--locked', '--target', target, '--target-dir', targetDir]
  if (features.length > 0) args.push('--features', features.join(','))
  for (const bin of bins) args.push('--bin', bin)
  try {
    await run('cargo', args, { cwd: crate, env: { ...process.env, ...reproducible(crate, targetDir, target), PALLAS_SCRIPTS: scripts }, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    throw failureOf(error, target)
  }
  return join(targetDir, target, 'release')
}

/** What only Rust can test of itself: parsers, and names in odd forms. Output goes where this process's does. */
export async function cargoTest(crate: string, targetDir: string): Promise<void> {
  const args = ['test', '--lib', '--locked', '--quiet', '--features', 'network', '--target-dir', targetDir]
  try {
    process.stdout.write((await run('cargo', args, { cwd: crate, maxBuffer: 64 * 1024 * 1024 })).stdout)
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new StaticBuildError('STATIC_CARGO_FAILED', `the tests of the host fail:\n${stdout}${stderr}`, error)
  }
}

/** No path of the building machine stays in the file, and no library of it is needed where it runs. */
function reproducible(crate: string, targetDir: string, target: string): Record<string, string> {
  const renamed = [
    [process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), '/cargo'],
    [targetDir, '/target'],
    [crate, '/host'],
  ]
  return {
    CARGO_ENCODED_RUSTFLAGS: ['-Ctarget-feature=+crt-static', ...renamed.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)].join('\u001F'),
    [`CFLAGS_${target.replaceAll('-', '_')}`]: renamed.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`).join(' '),
    CARGO_INCREMENTAL: '0',
    SOURCE_DATE_EPOCH: '0',
  }
}

function failureOf(error: unknown, target: string): StaticBuildError {
  const { stderr = '' } = error as { readonly stderr?: string }
  if (stderr.includes('target may not be installed')) {
    return new StaticBuildError('STATIC_NO_TARGET', `this Rust cannot build for ${target}: rustup target add ${target}`, error)
  }
  return new StaticBuildError('STATIC_CARGO_FAILED', `cargo failed:\n${stderr}`, error)
}
