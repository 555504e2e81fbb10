/**
 * `npm start` as a user meets it: asked to stop at any moment, and used from another terminal.
 *
 * Node's home alone: `npm start` needs no Rust, and has no other.
 */
import { REPOSITORY } from '@pallas/build'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { eventually, openssl } from '@pallas/suite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { run } from '../programs.ts'
import { processesOf } from './leftovers.ts'

/** The whole story, on a machine that is busy with all the other tests. */
const STORY_MS = 120_000
vi.setConfig({ testTimeout: STORY_MS + 60_000 })

/** Everything that a sandbox writes goes below it, so what is left can be seen. */
let dir: string
const children: ChildProcess[] = []

beforeEach(() => {
  dir = mkdtempSync('/tmp/t-')
})
afterEach(() => {
  // What a test that failed has left: its sandbox ends with it.
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly said: () => string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
}

function start(...args: string[]): Started {
  const [command = '', ...argv] = run('tools/sandbox/src/main.ts')
  const { PALLAS_SANDBOX_ISOLATION: _ours, ...env } = process.env
  const child = spawn(command, [...argv, ...args], { cwd: REPOSITORY, env: { ...env, TMPDIR: dir }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<number | string | null>((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)))
  return { child, said: () => said, ended }
}

/** Throws with what it said when it has ended without these words. */
async function until(it: Started, words: string): Promise<void> {
  let ended = false
  void it.ended.then(() => (ended = true))
  const look = (): true | undefined => {
    if (it.said().includes(words)) return true
    if (ended) throw new Error(`it ended without "${words}":\n${it.said()}`)
    return undefined
  }
  await eventually(words, look, STORY_MS)
}

async function endsWith(it: Started, signals: readonly NodeJS.Signals[]): Promise<void> {
  for (const signal of signals) it.child.kill(signal)
  expect(await it.ended, it.said()).toBe(0)
  expect(readdirSync(dir)).toEqual([])
  expect(processesOf(dir)).toEqual([])
}

test.each([
  ['SIGTERM', 'while it is about to begin', 'Bringing up the suite', ['SIGTERM']],
  ['SIGINT', 'while programs start', 'api server', ['SIGINT']],
  ['SIGTERM', 'while the first pods start', 'Two pods ask', ['SIGTERM']],
  ['SIGINT, more than once,', 'while pods talk', 'An intruder', ['SIGINT', 'SIGINT', 'SIGTERM']],
] as const)('%s %s ends it all, with 0', async (_signal, _when, words, signals) => {
  const it = start()
  await until(it, words)
  await endsWith(it, signals)
})

test('SIGKILL ends it all as well, though it cannot say goodbye', async () => {
  const it = start()
  await until(it, 'An intruder')
  expect(processesOf(dir).length).toBeGreaterThan(8)
  it.child.kill('SIGKILL')
  expect(await it.ended).toBe('SIGKILL')
  await eventually('nothing to be left', () => (processesOf(dir).length + readdirSync(dir).length === 0 ? true : undefined))
})

test('without a sandbox that is up there is no pod, and it says what to do', async () => {
  const it = start('pod', 'mine')
  expect(await it.ended).toBe(1)
  expect(it.said()).toContain('no sandbox is up: run `npm start`')
})

test('a sandbox that is up: every party is where endpoints.json says, and beside it a user launches pods', async () => {
  const out = join(dir, 'out')
  const sandbox = start('--out', out)
  await until(sandbox, 'End with Ctrl-C')
  await findParties(out)
  await launchPods()
  rmSync(out, { recursive: true })
  await endsWith(sandbox, ['SIGTERM'])
})

/** Each is told what becomes of it, and why one gets no identity. */
async function launchPods(): Promise<void> {
  const mine = start('pod', 'mine', '--service-account', 'web')
  expect(await mine.ended, mine.said()).toBe(0)
  expect(mine.said()).toMatch(/^pod shop\/mine has its identity and is Running\n {2}files {2}\S+\n {2}logs {3}\S+\n$/)

  const quick = start('pod', 'quick', '--', 'true')
  expect(await quick.ended, quick.said()).toBe(0)
  expect(quick.said()).toMatch(/^pod shop\/quick has its identity and is (Running|Succeeded)\n/)

  const stranger = start('pod', 'theirs', '--service-account', 'stranger')
  expect(await stranger.ended, stranger.said()).toBe(1)
  expect(stranger.said()).toMatch(/^pod shop\/theirs gets no identity \(sia-init ended with 77\)\n {2}why {4}athenz-sia: denied: ISSUER_DENIED: /)

  for (const [args, words] of [
    [['pod', 'mine'], 'pods "mine" already exists'],
    [['pod', 'other', '--service-account', 'nobody'], 'serviceaccount "nobody" not found'],
    [['pod', 'other', '--namespace', 'nowhere'], 'namespaces "nowhere" not found'],
  ] as const) {
    const it = start(...args)
    expect(await it.ended, it.said()).toBe(1)
    expect(it.said()).toContain(words)
  }
}

/** Under the name and the authority that stand there. */
async function findParties(out: string): Promise<void> {
  const parties = JSON.parse(readFileSync(join(out, 'endpoints.json'), 'utf8')) as Record<string, Party>
  const served = Object.entries(parties).filter(([, { url }]) => url !== undefined)
  expect(served.map(([name]) => name)).toEqual(['zts', 'apiServer', 'kubelet', 'jwtService', 'callback', 'initializer'])
  for (const [name, party] of served) expect(await isReachable(party), name).toBe(true)
}

interface Party {
  readonly url?: string
  readonly serverName?: string
  readonly ca?: string
}

async function isReachable({ url = '', serverName, ca = '' }: Party): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const name = serverName === undefined ? {} : { servername: serverName }
  const socket = connect({ host: hostname, port: Number(port), ca: readFileSync(ca), ...name })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(5_000) })
    return socket.authorized
  } finally {
    socket.destroy()
  }
}

test('--once leaves what happened where it is told to, and nothing else', async () => {
  const out = join(dir, 'out')
  const it = start('--once', '--out', out)
  expect(await it.ended, it.said()).toBe(0)
  expect(readdirSync(dir)).toEqual(['out'])
  expect(new Set(readdirSync(out))).toEqual(new Set(['ca.pem', 'credentials', 'endpoints.json', 'pods']))
  const role = join(out, 'pods/shop/reader-0/stock:role.readers.cert.pem')
  expect(openssl('verify', '-CAfile', join(out, 'ca.pem'), role)).toContain('OK')
  expect(openssl('x509', '-noout', '-subject', '-in', role)).toContain('stock:role.readers')
  expect(it.said()).toContain('denied (ISSUER_DENIED)')
  expect(processesOf(dir)).toEqual([])
})
