import { FakeClock } from '@pallas/host/testing'
import { expect, test } from 'vitest'
import { FakeRuntime } from '../testing/fake-runtime.ts'
import type { ContainerState } from './status.ts'
import { supervise, type SuperviseOptions } from './supervise.ts'

function open(restart: SuperviseOptions['restart'], runtime = new FakeRuntime()) {
  const clock = new FakeClock()
  const states: ContainerState[] = []
  let ids = 0
  const it = supervise({
    restart,
    clock,
    backoff: { initialMs: 500, maxMs: 2_000 },
    newId: () => `id-${++ids}`,
    start: (id) => runtime.start({ id, argv: [], env: {}, mounts: [], cgroup: '', logFile: 'x_it.log' }),
    onState: (state) => states.push(state),
  })
  const kinds = () => states.map(({ state }) => state.kind)
  return { it, clock, runtime, states, kinds }
}

test.each([
  ['Never', 1],
  ['Never', 0],
  ['OnFailure', 0],
] as const)('with %s an end with %i is final', async (restart, code) => {
  const { it, clock, runtime, kinds } = open(restart)
  await clock.advance(0)
  runtime.newest('it').end(code)
  expect(await it.finished).toMatchObject({ exitCode: code })
  expect(kinds()).toEqual(['running', 'terminated'])
})

test.each([
  ['Always', 0],
  ['Always', 1],
  ['OnFailure', 1],
] as const)('with %s an end with %i is followed by a start, later each time, up to a bound', async (restart, code) => {
  const { clock, runtime, states } = open(restart)
  await clock.advance(0)
  for (const [count, wait] of [500, 1_000, 2_000, 2_000].entries()) {
    runtime.newest('it').end(code)
    await clock.advance(wait - 1)
    expect(runtime.started).toHaveLength(count + 1)
    expect(states.at(-1)).toMatchObject({ restartCount: count + 1, state: { kind: 'waiting', reason: 'CrashLoopBackOff' } })
    await clock.advance(1)
    expect(states.at(-1)).toMatchObject({ id: `id-${count + 2}`, restartCount: count + 1, state: { kind: 'running' } })
  }
})

test('a start that fails counts as an end with 128, and its reason is told', async () => {
  const runtime = new FakeRuntime()
  runtime.failure = new Error('no such program')
  const { it, clock, states } = open('Never', runtime)
  await clock.advance(0)
  expect(await it.finished).toEqual({ exitCode: 128, signal: undefined })
  await it.started
  expect(states).toMatchObject([{ state: { kind: 'waiting', reason: 'RunContainerError', message: 'no such program' } }])
})

test('a stop is asked for first, then enforced, and never followed by a start', async () => {
  const deaf = new FakeRuntime()
  deaf.obeys = []
  const { it, clock, runtime, kinds } = open('Always', deaf)
  await clock.advance(0)
  const one = runtime.newest('it')
  const stopped = it.stop(10_000)
  await clock.advance(9_999)
  expect(one.signals).toEqual(['SIGTERM'])
  await clock.advance(1)
  await stopped
  expect(one.signals).toEqual(['SIGTERM', 'SIGKILL'])
  expect(await it.finished).toMatchObject({ exitCode: 137 })
  expect(kinds()).toEqual(['running', 'terminated'])
  expect(clock.sleeping).toBe(0)
})

test('a stop during the back-off ends the wait', async () => {
  const { it, clock, runtime } = open('Always')
  await clock.advance(0)
  runtime.newest('it').end(1)
  await clock.advance(0)
  await it.stop(10_000)
  expect(await it.finished).toMatchObject({ exitCode: 1 })
  expect(runtime.started).toHaveLength(1)
  expect(clock.sleeping).toBe(0)
})

test('a stop while it is being started reaches the process that comes up', async () => {
  const slow = Promise.withResolvers<void>()
  const runtime = new FakeRuntime()
  const start = runtime.start.bind(runtime)
  runtime.start = async (spec) => slow.promise.then(() => start(spec))
  const { it, clock } = open('Always', runtime)
  await clock.advance(0)
  const stopped = it.stop(5_000)
  slow.resolve()
  await clock.advance(0)
  expect(runtime.newest('it').signals[0]).toBe('SIGTERM')
  await stopped
  expect(runtime.started).toHaveLength(1)
})
