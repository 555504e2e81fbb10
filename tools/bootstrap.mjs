#!/usr/bin/env node
/**
 * The first command on a fresh clone, whatever Node (20 or newer) is there: installs what is missing, quietly, then runs
 * the named job on the Node that the project pins. Plain JavaScript without dependencies, because nothing is there yet.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const stamp = join(root, 'node_modules', '.pallas-installed')

const JOBS = {
  // Nothing but the installing: for whoever runs several jobs at once.
  installed: ['node', '--eval', ''],
  start: ['node', '--disable-warning=ExperimentalWarning', 'tools/sandbox/src/main.ts'],
  test: ['node', 'tools/sandbox/src/isolated-main.ts', 'vitest', 'run'],
  check: ['node', 'tools/check/src/main.ts'],
  docs: ['node', 'tools/check/src/main.ts', '--write-docs'],
  'build:static': ['node', 'tools/build/src/static-main.ts'],
  'test:static': ['node', 'tools/sandbox/src/isolated-main.ts', 'node', 'tools/build/src/test-static-main.ts'],
  bench: ['node', '--disable-warning=ExperimentalWarning', 'tools/bench/src/main.ts'],
  'bench:cluster': ['node', '--disable-warning=ExperimentalWarning', 'tools/cluster-suite/src/bench/main.ts'],
  images: ['node', '--disable-warning=ExperimentalWarning', 'tools/images/src/main.ts'],
  cluster: ['node', '--disable-warning=ExperimentalWarning', 'tools/real-cluster/src/main.ts'],
  'test:cluster': ['node', '--disable-warning=ExperimentalWarning', 'tools/cluster-suite/src/main.ts'],
  trial: ['node', '--disable-warning=ExperimentalWarning', 'tools/trial/src/main.ts'],
}

try {
  install()
  run(process.argv[2], process.argv.slice(3))
} catch (problem) {
  process.stderr.write(`${problem.message}\n`)
  process.exitCode = 1
}

/** Runs `npm ci` unless node_modules was installed from this very lock file. */
function install() {
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(join(bin, 'node'))) return
  process.stderr.write('installing dependencies (once, about half a minute) …\n')
  const env = { ...process.env, npm_config_loglevel: 'error', npm_config_progress: 'false' }
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, env, encoding: 'utf8' })
  if (npm.status !== 0) throw new Error(`npm ci failed:\n${npm.stderr ?? ''}${npm.stdout ?? ''}${npm.error ?? ''}`)
  if (!existsSync(join(bin, 'node'))) throw new Error('the pinned node was not installed: is this Linux on x64 or arm64, with optional dependencies on?')
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}

function run(job, rest) {
  const command = JOBS[job]
  if (command === undefined) throw new Error(`unknown job: ${job}; known: ${Object.keys(JOBS).join(', ')}`)
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  const child = spawn(join(bin, command[0]), [...command.slice(1), ...rest], { cwd: root, env, stdio: 'inherit' })
  // A terminal's Ctrl-C reaches the whole group; a second signal would mean "at once", so only a supervisor's is passed on.
  process.on('SIGINT', () => void (process.stdin.isTTY || child.kill('SIGINT')))
  process.on('SIGTERM', () => void child.kill('SIGTERM'))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1)
  })
}
