/** A host of the cluster on real files and mounts, on which the kubelet execs the real program with recorded arguments. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { nodeHost } from '@pallas/linux'
import type { Answer } from '../answer.ts'
import { mountDirOf, mountOptions } from './kubelet-calls.ts'

export const SUCCESS = { status: 'Success', message: '' }
export const { mounts } = nodeHost()

export type Scenario = (node: RealNode) => Promise<void>

export type RealNode = ReturnType<typeof realNode>

/** A host of the cluster in a directory (kubelet root, volumes, settings), on which the kubelet execs `program`. */
export function realNode(dir: string, program: string) {
  const mountDir = mountDirOf(`${dir}/k`)
  const volumesDir = `${dir}/v`
  const settings = `${dir}/settings.json`
  mkdirSync(mountDir, { recursive: true })
  const configure = (more: Readonly<Record<string, unknown>> = {}) =>
    writeFileSync(settings, JSON.stringify({ volumesDir, handleKeyFile: `${dir}/handle.key`, ...more }), { mode: 0o600 })
  configure()
  // The interpreter of the program is the one that this runs on.
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`
  const env = { ...process.env, PATH, ATHENZ_VOLUME_DRIVER_SETTINGS: settings }
  const call = (...argv: readonly string[]) => answerOf(program, argv, env)
  return {
    dir,
    program,
    mountDir,
    volumesDir,
    env,
    configure,
    call,
    mount: (options = mountOptions()) => call('mount', mountDir, options),
    unmount: () => call('unmount', mountDir),
    volumes: () => (existsSync(volumesDir) ? readdirSync(volumesDir).sort() : []),
    mounts: () => mounts.under(dir),
  }
}

/** What the kubelet makes of a call: stdout and stderr as one text, one JSON document, exit 0. */
async function answerOf(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; text: string }>()
  execFile(program, [...argv], { env }, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : error.code, text: stdout + stderr })
  })
  const { code, text } = await promise
  assert.equal(code, 0, text)
  assert.match(text, /^\{.*\}\n$/)
  return JSON.parse(text) as Answer
}

export async function expectNothing(node: RealNode): Promise<void> {
  assert.deepEqual(node.volumes(), [])
  assert.deepEqual(await node.mounts(), [])
}

export const failsWith = (answer: Answer, code: string): void => {
  assert.equal(answer.status, 'Failure')
  assert.ok(answer.message.startsWith(`${code}: `), answer.message)
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.stdin?.end()
  await once(child, 'exit')
}
