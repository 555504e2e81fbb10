/** Builds one program with the machine's Go. What is downloaded is checked against go.sum before a line of it is compiled. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianPackage } from '@pallas/images'
import { ClusterError } from './error.ts'
import { CONTAINERD, KUBERNETES, type ProgramSource } from './programs.ts'
import { lastLines, run } from './run.ts'

export const MODULES_DIRECTORY = join(import.meta.dirname, '../modules')
const DEADLINE_MS = 45 * 60_000

export interface GoBuildOptions {
  readonly signal?: AbortSignal | undefined
}

/** Compiles to `out`, which is whole only when this resolves. Throws `CLUSTER_BUILD_FAILED` with the compiler's last words. */
export async function goBuild(program: ProgramSource, out: string, { signal }: GoBuildOptions = {}): Promise<void> {
  const cwd = join(MODULES_DIRECTORY, program.module)
  const env = { ...goEnvironment(process.env), ...(program.c === true ? await cEnvironment() : {}) }
  const child = spawn('go', goArguments(program, readFileSync(join(cwd, 'go.mod'), 'utf8'), out), { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const abort = () => void child.kill('SIGTERM')
  const late = setTimeout(abort, DEADLINE_MS)
  signal?.addEventListener('abort', abort)
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = lastLines(said + text)))
  const { promise, resolve } = Promise.withResolvers<number>()
  child.on('error', () => resolve(127)).on('close', (code) => resolve(code ?? 128))
  const code = await promise
  clearTimeout(late)
  signal?.removeEventListener('abort', abort)
  signal?.throwIfAborted()
  if (code !== 0) throw new ClusterError('CLUSTER_BUILD_FAILED', `${program.name} cannot be built`, { detail: said })
}

/** What decides about the bytes of a program, beside sources and compiler. */
export function goArguments(program: ProgramSource, goMod: string, out: string): string[] {
  const link = ['-s', '-w', ...stampsOf(program, goMod), ...(program.c === true ? ['-linkmode external', '-extldflags -static'] : [])]
  const fixed = ['build', '-trimpath', '-buildvcs=false', '-mod=readonly']
  return [...fixed, '-tags', (program.tags ?? []).join(','), '-ldflags', link.join(' '), '-o', out, program.package]
}

/** The user's proxy and caches, none of what would change the programs. Flags that are empty would be looked up in his files. */
const goEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  GOWORK: 'off',
  GOFLAGS: '-mod=readonly',
  GOOS: 'linux',
  GOARCH: process.arch === 'x64' ? 'amd64' : process.arch,
  CGO_ENABLED: '0',
})

/** libseccomp for runc: the kubelet wants a seccomp profile for each sandbox. Its static library comes from the distribution. */
async function cEnvironment(): Promise<NodeJS.ProcessEnv> {
  const { root } = await debianPackage('libseccomp-dev')
  const triplet = (await run(['gcc', '-print-multiarch'])).trim()
  return {
    CGO_ENABLED: '1',
    PKG_CONFIG: 'true',
    CGO_CFLAGS: `-O2 -I${root}/usr/include`,
    CGO_LDFLAGS: `-L${root}/usr/lib/${triplet} -lseccomp`,
  }
}

/** A fixed date, so that the same sources give the same program. */
const BUILD_DATE = '2026-01-01T00:00:00Z'

/** Without its version the API server judges version skew and feature gates wrongly. */
function stampsOf({ stamps }: ProgramSource, goMod: string): string[] {
  if (stamps === undefined) return []
  if (stamps === 'containerd') return [`-X ${CONTAINERD}/version.Version=${versionIn(goMod, CONTAINERD)}`]
  const version = versionIn(goMod, KUBERNETES)
  const [gitMajor = '', gitMinor = ''] = version.slice(1).split('.')
  const values = { gitVersion: version, gitMajor, gitMinor, gitTreeState: 'clean', buildDate: BUILD_DATE }
  return Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
}

/** The version that a go.mod requires of a module. */
export function versionIn(goMod: string, module: string): string {
  const line = goMod.split('\n').find((it) => it.replace('require', '').trim().startsWith(`${module} v`))
  const version = line?.split(' ').find((word) => /^v\d/.test(word))
  if (version === undefined) throw new ClusterError('CLUSTER_BUILD_FAILED', 'a module is not required', { detail: module })
  return version
}
