import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processesOf } from '../e2e/leftovers.ts'
import { eventually } from '@pallas/suite'
import { type ContainerSpec, createContainerRuntime, toHostPath } from './containers.ts'

const MOUNTS = [
  { hostPath: '/host/tls', mountPath: '/tls', readOnly: true },
  { hostPath: '/host/deep', mountPath: '/tls/deep', readOnly: true },
  { hostPath: '/host/id.d', mountPath: '/identity', readOnly: true },
]

describe('a path of a container, seen from the host', () => {
  test.each([
    ['/tls', '/host/tls'],
    ['/tls/service.key', '/host/tls/service.key'],
    ['/tls/deep/x', '/host/deep/x'],
    ['--out-key=/tls/service.key', '--out-key=/host/tls/service.key'],
    ['-o=/tls/x', '-o=/host/tls/x'],
    ['--endpoint=unix:///identity/connect/agent.sock', '--endpoint=unix:///host/id.d/connect/agent.sock'],
    ['unix:///identity/a', 'unix:///host/id.d/a'],
  ])('%s is %s', (inside, outside) => {
    expect(toHostPath(inside, MOUNTS)).toBe(outside)
  })

  test.each(['/tlsx', '/other/tls', 'tls', '--mode=init', 'echo /tls', '', '--url=https://tls/identity'])('%s is left as it is', (text) => {
    expect(toHostPath(text, MOUNTS)).toBe(text)
  })
})

describe('a container without a root of its own', () => {
  let dir: string

  beforeEach(() => {
    dir = mkdtempSync('/tmp/containers-')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const runtime = () => createContainerRuntime({ isolation: 'none', procRoot: join(dir, 'proc'), scratchDir: dir, sharedDirs: [] })
  const spec = (argv: readonly string[], other: Partial<ContainerSpec> = {}): ContainerSpec => ({
    id: 'ab'.repeat(32),
    argv,
    env: { PATH: '/usr/bin:/bin' },
    mounts: [],
    cgroup: '/kubepods/besteffort/pod1/ab',
    logFile: join(dir, 'logs/it.log'),
    ...other,
  })
  const log = () => readFileSync(join(dir, 'logs/it.log'), 'utf8')
  // What was killed is gone a moment later.
  const nobody = () => eventually('nobody', () => (processesOf(dir).length === 0 ? true : undefined))

  test('is in its cgroup before its first instruction, and no more when it has ended', async () => {
    const it = await runtime().start(spec(['sh', '-c', 'cat "$0/$$/cgroup"; exit 3', join(dir, 'proc')]))
    expect(await it.exited).toEqual({ exitCode: 3, signal: undefined })
    expect(log()).toBe('0::/kubepods/besteffort/pod1/ab\n')
    expect(existsSync(join(dir, 'proc', String(it.pid)))).toBe(false)
  })

  test('sees what lies behind its volumes, by the shortest path', async () => {
    mkdirSync(join(dir, 'real'))
    symlinkSync(join(dir, 'real'), join(dir, 'link'))
    const mounts = [{ hostPath: join(dir, 'link'), mountPath: '/tls', readOnly: true }]
    const it = await runtime().start(spec(['sh', '-c', 'echo "$0 $DIR"', '/tls/x'], { mounts, env: { PATH: '/usr/bin:/bin', DIR: '/tls' } }))
    await it.exited
    expect(log()).toBe(`${dir}/real/x ${dir}/real\n`)
  })

  test('appends to its log over restarts', async () => {
    for (const word of ['one', 'two']) await (await runtime().start(spec(['echo', word]))).exited
    expect(log()).toBe('one\ntwo\n')
  })

  test('takes all that it has started with it when it ends', async () => {
    const it = await runtime().start(spec(['sh', '-c', 'sleep 600 & sleep 600 & exit 0']))
    expect(await it.exited).toMatchObject({ exitCode: 0 })
    await nobody()
  })

  test('is told by a signal, and ended with its children by SIGKILL', async () => {
    const it = await runtime().start(spec(['sh', '-c', 'trap "" TERM; echo deaf; sleep 600 & wait; sleep 600']))
    while (!existsSync(join(dir, 'logs/it.log')) || !log().includes('deaf')) await new Promise((resolve) => setImmediate(resolve))
    it.signal('SIGTERM')
    it.signal('SIGKILL')
    expect(await it.exited).toEqual({ exitCode: 128, signal: 'SIGKILL' })
    await nobody()
  })

  test('whose program does not exist ends as a shell says it', async () => {
    const it = await runtime().start(spec(['no-such-program']))
    expect(await it.exited).toMatchObject({ exitCode: 127 })
    expect(log()).toContain('not found')
  })
})
