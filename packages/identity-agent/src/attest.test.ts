import { expect, test } from 'vitest'
import { type AttestDeps, createAttest, type Peers, refusalOf } from './attest.ts'
import type { Processes } from './processes.ts'
import { cgroupsOf } from './testing/cgroups.ts'

const UID = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'

/** A kernel in which one process, pid 42 of pod `UID`, has connected, with what the test says otherwise. */
function aKernel() {
  const state = {
    pid: 42,
    pidfd: true,
    exited: false,
    cgroups: cgroupsOf(UID) as string | undefined,
    /** Whether whoever lives is to be seen. */
    isKernels: false,
    startTime: '815' as string | undefined,
    opened: 0,
    fails: undefined as 'credentials' | 'pin' | 'open' | 'cgroups' | undefined,
    /** Runs when the cgroups are read: the moment between before and after. */
    meanwhile: () => {},
  }
  const failing = (step: typeof state.fails) => {
    if (state.fails === step) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  }
  const held = () => {
    state.opened += 1
    return { [Symbol.dispose]: () => void (state.opened -= 1) }
  }
  const peers: Peers = {
    credentials: () => {
      failing('credentials')
      return { pid: state.pid, uid: 1_000, gid: 1_000 }
    },
    pin: () => {
      failing('pin')
      return state.pidfd ? { exited: () => state.exited, ...held() } : undefined
    },
  }
  const processes: Processes = {
    get isKernels() {
      return state.isKernels
    },
    open: () => {
      failing('open')
      if (state.cgroups === undefined) return undefined
      return {
        cgroups: () => {
          failing('cgroups')
          state.meanwhile()
          return state.cgroups
        },
        startTime: () => state.startTime,
        ...held(),
      }
    },
  }
  const attest = (rest: Partial<AttestDeps> = {}) => createAttest({ peers, processes, requirePidfd: false, prefixes: [[]], ...rest })(3)
  return { state, attest }
}

test('a process in a pod is attested, and held until the connection ends', () => {
  const { state, attest } = aKernel()
  const attestation = attest()
  expect(attestation).toMatchObject({ kind: 'pod', uid: UID, pid: 42 })
  expect(refusalOf(attestation, UID)).toBeUndefined()
  expect(state.opened).toBe(1)
  attestation[Symbol.dispose]()
  expect(state.opened).toBe(0)
  expect(refusalOf(attestation, UID)).toMatchObject({ reason: 'PEER_EXITED' })
})

test.each<[string, (state: ReturnType<typeof aKernel>['state']) => void, string, string]>([
  ['the agent cannot see it', (it) => (it.pid = 0), 'PEER_UNKNOWN', 'other-pid-namespace'],
  ['there is no such process', (it) => (it.cgroups = undefined), 'PEER_EXITED', 'no-process'],
  ['the kernel shows none that lives: it is hidden', (it) => Object.assign(it, { cgroups: undefined, isKernels: true }), 'PEER_UNKNOWN', 'hidden-process'],
  ['the kernel shows none, for it has ended', (it) => Object.assign(it, { cgroups: undefined, isKernels: true, exited: true }), 'PEER_EXITED', 'no-process'],
  ['it has ended', (it) => (it.exited = true), 'PEER_EXITED', 'gone-while-read'],
  ['it ends while its cgroups are read', (it) => (it.meanwhile = () => (it.exited = true)), 'PEER_EXITED', 'gone-while-read'],
  ['its file vanishes', (it) => (it.meanwhile = () => (it.cgroups = undefined)), 'PEER_EXITED', 'gone-while-read'],
  ['it is in no pod', (it) => (it.cgroups = '0::/init.scope\n'), 'NOT_A_POD', 'no-pod'],
  ['no descriptor is left for the pin', (it) => (it.fails = 'pin'), 'BUSY', 'system-call-failed'],
  ['no descriptor is left for its directory', (it) => (it.fails = 'open'), 'BUSY', 'system-call-failed'],
  ['its cgroups cannot be read now', (it) => (it.fails = 'cgroups'), 'BUSY', 'system-call-failed'],
  ['the socket cannot be asked', (it) => (it.fails = 'credentials'), 'BUSY', 'system-call-failed'],
])('a process is refused, and not held, when %s', (_name, spoil, reason, why) => {
  const { state, attest } = aKernel()
  spoil(state)
  const attestation = attest()
  expect(attestation).toMatchObject({ kind: 'refused', reason, why })
  expect(refusalOf(attestation, UID)).toMatchObject({ reason, why })
  expect(state.opened).toBe(0)
})

test.each<[string, (state: ReturnType<typeof aKernel>['state']) => void]>([
  ['another process has its pid before the cgroups are read', (it) => (it.meanwhile = () => (it.startTime = '4711'))],
  ['its start time cannot be read', (it) => (it.startTime = undefined)],
])('without pidfd, when %s, it is refused (T03)', (_name, spoil) => {
  const { state, attest } = aKernel()
  state.pidfd = false
  expect(attest()).toMatchObject({ kind: 'pod', uid: UID })
  spoil(state)
  expect(attest()).toMatchObject({ kind: 'refused', reason: 'PEER_EXITED' })
})

test('where pidfd is required and missing, nobody is attested', () => {
  const { state, attest } = aKernel()
  state.pidfd = false
  expect(attest({ requirePidfd: true })).toMatchObject({ kind: 'refused', reason: 'PEER_UNKNOWN', why: 'no-pidfd' })
})

test('what was attested counts for its own pod only, and only while the process lives', () => {
  const { state, attest } = aKernel()
  const attestation = attest()
  expect(refusalOf(attestation, 'another')).toEqual({ reason: 'HANDLE_PEER_MISMATCH', why: 'other-pod' })
  state.exited = true
  expect(refusalOf(attestation, UID)).toEqual({ reason: 'PEER_EXITED', why: 'gone-before-answer' })
})
