import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as timer } from 'node:timers/promises'
import { systemClock } from '@pallas/runtime'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Change } from '../companions.ts'
import { type CommandOptions, runCommand } from './hook-command.ts'

const CHANGE: Change = {
  members: [
    { kind: 'service-certificate', name: 'media.web' },
    { kind: 'access-token', name: 'media:role.a' },
    { kind: 'access-token', name: 'media:role.b' },
  ],
  paths: ['/tls/service.cert', '/t/media:role.a.accesstoken'],
}

const kill = (pid: number, name: NodeJS.Signals) => void process.kill(pid, name)

const NEVER = new AbortController().signal

function run(argv: readonly string[], more: Partial<CommandOptions> = {}, signal = NEVER) {
  return runCommand(CHANGE, { argv, timeoutMs: 30_000, stopMs: 0, clock: systemClock, kill, ...more }, signal)
}

/** In this very Node; whatever it needs is said in the script. */
const script = (text: string): readonly string[] => [process.execPath, '-e', text]

/** Commands whose time is over as soon as they have made the file `ready`, however slow the machine. */
async function openSlow() {
  const dir = await mkdtemp(join(tmpdir(), 'hook-'))
  const isReady = () =>
    access(join(dir, 'ready')).then(
      () => true,
      () => false,
    )
  const timeoutMs = 30_000
  const clock = {
    ...systemClock,
    sleep: async (ms: number, signal?: AbortSignal) => {
      if (ms !== timeoutMs) return systemClock.sleep(ms, signal)
      while (!(await isReady())) await systemClock.sleep(10, signal)
    },
  }
  return {
    run: (text: string) => run(['/bin/sh', '-c', `cd ${dir}; ${text}`], { timeoutMs, clock }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  }
}

test('it is told what changed, and nothing else', async () => {
  vi.stubEnv('PASSWORD_OF_TEST', 'hunter2')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { outcome, output } = await run(['/usr/bin/env'])
  expect(outcome).toBe('ok')
  const { PATH, ...rest } = Object.fromEntries(output.split(/\n(?=[A-Z_]+=)/).map((line) => line.split(/=(.*)/s)))
  expect(PATH).toMatch(/^\/usr/)
  expect(rest).toEqual({
    ATHENZ_SIA_CHANGED_KINDS: 'service-certificate,access-token',
    ATHENZ_SIA_CHANGED_PATHS: '/tls/service.cert\n/t/media:role.a.accesstoken',
  })
})

test('arguments are arguments: no shell reads them', async () => {
  const { output } = await run(['/bin/echo', '$(id)', '; id', '*', '"'])
  expect(output).toBe('$(id) ; id * "')
})

test('its standard input is at its end', async () => {
  expect(await run(script('process.stdin.on("end", () => console.log("end")).resume()'))).toMatchObject({ outcome: 'ok', output: 'end' })
})

test.each([
  ['ends with another code than 0', script('console.error("no"); process.exitCode = 3'), { fields: { exitCode: 3, signal: null } }],
  ['is killed', script('process.kill(process.pid, "SIGKILL")'), { fields: { exitCode: null, signal: 'SIGKILL' } }],
  ['does not exist', ['/nowhere/hook'], { message: 'the hook command cannot be run', cause: { code: 'ENOENT' } }],
  ['may not be run', ['/etc/passwd'], { message: 'the hook command cannot be run', cause: { code: 'EACCES' } }],
  ['cannot even be named', ['/bin/echo', 'a\0b'], { message: 'the hook command cannot be run' }],
])('a program that %s is a failure', async (_what, argv, err) => {
  expect(await run(argv)).toMatchObject({ outcome: 'failed', err: { code: 'SIA_HOOK_FAILED', ...err } })
})

test('what does not end in time is ended, with what it started', async () => {
  await using it = await openSlow()
  const { outcome, output, err } = await it.run('sleep 600 & echo $!; touch ready; wait')
  expect({ outcome, err }).toMatchObject({ outcome: 'timed-out', err: { fields: { signal: 'SIGTERM' } } })
  expect(output).toMatch(/^\d+$/)
  await gone(Number(output))
})

test('what does not heed SIGTERM is killed', async () => {
  await using it = await openSlow()
  const { outcome, err } = await it.run('trap "" TERM; touch ready; while :; do sleep 1; done')
  expect({ outcome, err }).toMatchObject({ outcome: 'timed-out', err: { fields: { signal: 'SIGKILL' } } })
})

test('when the program has to stop, the hook has the time of a shutdown and no more', async () => {
  const stop = new AbortController()
  const ran = run(['/bin/sleep', '600'], { stopMs: 50 }, stop.signal)
  stop.abort()
  expect(await ran).toMatchObject({ outcome: 'stopped', err: { fields: { signal: 'SIGTERM' } } })
  const quick = run(['/bin/echo', 'done'], { stopMs: 30_000 }, stop.signal)
  expect(await quick).toMatchObject({ outcome: 'ok', output: 'done' })
})

test('whoever lives on in the background is not waited for', async () => {
  const { outcome, output } = await run(['/bin/sh', '-c', 'sleep 600 & echo $!'])
  expect(outcome).toBe('ok')
  process.kill(Number(output))
})

test('of what it prints the end is kept, however much comes', async () => {
  const { output } = await run(script('process.stdout.write("x y ".repeat(100_000) + "the end")'))
  expect(output.length).toBeLessThanOrEqual(2_048)
  expect(output).toMatch(/the end$/)
})

test.each([
  ['a key', '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----'],
  ['half a key', '-----BEGIN EC PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49'],
  ['an access token', 'eyJhbGciOiJFUzI1NiJ9.eyJzY3AiOlsicmVhZGVyIl19.c2lnbmF0dXJl'],
  ['a role token', 'v=Z1;d=media;r=reader;k=0;s=c2VjcmV0'],
  ['a principal token', 'v=S1;d=media;n=web;k=0;s=c2VjcmV0'],
  ['a long run of base64', 'Q'.repeat(400)],
  ['a key without its first line', `${'Q'.repeat(64)}\n${'R'.repeat(64)}\nSS==\n-----END PRIVATE KEY-----`],
  ['a key of two lines without either end', `${'Q'.repeat(64)}\n${'R'.repeat(40)}`],
  ['a key as openssl shows it', '00:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:\n    88:99'],
])('%s that it prints is not repeated (T46)', async (_what, secret) => {
  const { output } = await run(['/bin/echo', 'before', secret])
  expect(output).toBe('before [secret]')
})

test('of a key as json what is private is not repeated (T46)', async () => {
  const { output } = await run(['/bin/echo', '{"kty":"EC","d":"c2VjcmV0LXNlY3JldA","x":"cHVibGlj"}'])
  expect(output).toBe('{"kty":"EC","[secret],"x":"cHVibGlj"}')
})

/** Ended, whether or not somebody has taken note of it. */
async function gone(pid: number): Promise<void> {
  const isAlive = () =>
    readFile(`/proc/${pid}/stat`, 'utf8').then(
      (stat) => !/^\d+ \(.*\) [ZX]/.test(stat),
      () => false,
    )
  while (await isAlive()) await timer(20)
}
