import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerOf, pinPeer } from '@pallas/linux'
import { expect, test } from 'vitest'
import { openProcesses, startTimeOf } from './processes.ts'
import { createAttestationHealth, judge, selfTest, type SelfTestFacts } from './self-test.ts'

const good: SelfTestFacts = {
  attestation: 'peer',
  procRoot: '/proc',
  procRootKind: 'procfs',
  requirePidfd: true,
  own: { pid: 4_711, pidfd: true },
  firstProcess: '0::/init.scope\n',
  prefixes: [[]],
}

const broken = () => {
  throw new Error('ENOTSOCK')
}

test('a host as it should be has no problem and no weakening', () => {
  expect(judge(good)).toEqual({ problems: [], weakenings: [] })
})

test.each<[string, Partial<SelfTestFacts>, string]>([
  ['the proc root is missing', { procRoot: '/x', procRootKind: 'missing' }, '--proc-root does not exist'],
  ['/proc is no procfs', { procRootKind: 'directory' }, '--proc-root is not procfs'],
  ['the kernel cannot be asked', { own: 'silent' }, 'the kernel does not say'],
  ['the tree is read-only', { own: { untried: 'EROFS' } }, 'cannot listen in --volumes-dir: EROFS, it is mounted read-only'],
  ['the tree is of somebody else', { own: { untried: 'EACCES' } }, 'CAP_DAC_OVERRIDE'],
  ['there is no socket, for whatever reason', { own: { untried: 'EIO' } }, 'cannot listen in --volumes-dir: EIO'],
  ['processes are hidden', { firstProcess: undefined }, 'CAP_SYS_PTRACE'],
  ['peers have pid 0', { own: { pid: 0, pidfd: true } }, 'pid 0'],
  ['the agent is pid 1', { own: { pid: 1, pidfd: true } }, "host's PID namespace"],
  [
    'pid 1 is in a pod',
    { firstProcess: '0::/kubepods/pod4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11/x\n' },
    "host's PID namespace",
  ],
  ['pidfd is required and missing', { own: { pid: 4_711, pidfd: false } }, '--require-pidfd'],
])('when %s the agent is not ready and says so (T08)', (_name, other, problem) => {
  const verdict = judge({ ...good, ...other })
  expect(verdict.problems).toEqual([expect.stringContaining(problem)])
  expect(createAttestationHealth(verdict).problem()).toContain(problem)
})

test.each<[string, Partial<SelfTestFacts>, string]>([
  ['another proc root', { procRoot: '/sandbox/proc', procRootKind: 'directory' }, 'proc-root-not-procfs'],
  ['no pidfd', { requirePidfd: false, own: { pid: 4_711, pidfd: false } }, 'no-pidfd'],
  ['handle-only', { attestation: 'handle-only', own: 'silent', procRootKind: 'missing' }, 'handle-only'],
])('%s is a weakening, announced, not a problem', (_name, other, weakening) => {
  expect(judge({ ...good, ...other })).toEqual({ problems: [], weakenings: [weakening] })
})

test('on this machine the self-test sees its own connection and leaves nothing behind', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const peers = { credentials: peerOf, pin: pinPeer }
  const settings = { attestation: 'peer', procRoot: root, requirePidfd: false, prefixes: [[]] } as const
  const verdict = await selfTest(settings, { peers, processes: openProcesses(root), probeDir: root })
  expect(verdict.problems).toEqual([])
  expect(verdict.weakenings).toContain('proc-root-not-procfs')
  expect(readdirSync(root)).toEqual([])
  rmSync(root, { recursive: true })
})

test('a socket that a killed self-test left behind changes nothing, nor do two at once', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const leftBehind = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', leftBehind, join(root, '.self-test.sock')])
  const deps = { peers: { credentials: peerOf, pin: pinPeer }, processes: openProcesses(root), probeDir: root }
  const settings = { attestation: 'peer', procRoot: root, requirePidfd: false, prefixes: [[]] } as const
  const verdicts = await Promise.all([selfTest(settings, deps), selfTest(settings, deps)])
  expect(verdicts.map(({ problems }) => problems)).toEqual([[], []])
  rmSync(root, { recursive: true })
})

test('a directory in which nobody can listen is told as such, not as a silent kernel', async () => {
  const deps = { peers: { credentials: peerOf, pin: pinPeer }, processes: openProcesses('/proc'), probeDir: '/none' }
  const verdict = await selfTest({ attestation: 'peer', procRoot: '/proc', requirePidfd: false, prefixes: [[]] }, deps)
  expect(verdict.problems).toEqual([expect.stringMatching(/^cannot listen in --volumes-dir: EACCES, it is missing/)])
})

test('a kernel that forbids to look at pid 1 hides the others too, which is a problem by name and no crash', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const deps = { peers: { credentials: peerOf, pin: pinPeer }, processes: { open: broken, isKernels: true }, probeDir: root }
  const verdict = await selfTest({ attestation: 'peer', procRoot: '/proc', requirePidfd: false, prefixes: [[]] }, deps)
  expect(verdict.problems).toEqual([expect.stringContaining('hidepid')])
  rmSync(root, { recursive: true })
})

test('a socket option that fails is a kernel that does not say', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const deps = { peers: { credentials: broken, pin: broken }, processes: openProcesses('/proc'), probeDir: root }
  const verdict = await selfTest({ attestation: 'peer', procRoot: '/proc', requirePidfd: false, prefixes: [[]] }, deps)
  expect(verdict.problems).toContain('the kernel does not say who is at the other end of a socket')
  expect(readdirSync(root)).toEqual([])
  rmSync(root, { recursive: true })
})

test('a peer that lives and is hidden makes the agent unready by name, once', () => {
  const health = createAttestationHealth({ problems: [], weakenings: [] })
  expect(health.problem()).toBeUndefined()
  for (let n = 0; n < 3; n++) health.observe({ kind: 'refused', reason: 'PEER_UNKNOWN', why: 'hidden-process', pid: 7 })
  expect(health.problem()).toMatch(/^processes are hidden[^;]+$/)
})

test.each([
  ['a plain name', '42 (node) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 7 0 815 1000 1', '815'],
  ['a name with blanks and parentheses', '42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 7 0 815 1000 1', '815'],
  ['too few fields', '42 (node) S 1', undefined],
  ['nothing', undefined, undefined],
])('the start time is field 22 of stat, with %s', (_name, stat, expected) => {
  expect(startTimeOf(stat)).toBe(expected)
})

test('a process has one start time, and one that is gone has none', () => {
  const processes = openProcesses('/proc')
  using own = processes.open(process.pid) ?? null
  expect(own?.startTime()).toMatch(/^\d+$/)
  expect(own?.startTime()).toBe(own?.startTime())
  expect(processes.open(2 ** 22 + 1)).toBeUndefined()
})
