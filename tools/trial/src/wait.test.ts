import { FakeClock } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { fakeKubectl } from './testing/fake-kubectl.ts'
import { waitForWorkloads } from './wait.ts'

const deployment = (readyReplicas: number, conditions: readonly object[] = []) => ({
  kind: 'Deployment',
  metadata: { name: 'web', generation: 1 },
  spec: { replicas: 2 },
  status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas, conditions },
})
const list = (...items: readonly object[]) => JSON.stringify({ items })

function waiting(workloads: () => object, pods: readonly object[] = [], log = '') {
  const clock = new FakeClock()
  const said: string[] = []
  const kubectl = fakeKubectl([
    ['deployments,daemonsets', () => list(workloads())],
    ['pods', list(...pods)],
    ['logs', log],
  ])
  const deps = { kubectl, clock, signal: new AbortController().signal, say: (line: string) => void said.push(line) }
  return { clock, said, done: waitForWorkloads(deps, { namespace: 'shop', until: clock.monotonic() + 3_000 }) }
}

test('each step is told once, and the wait ends with the last of them', async () => {
  let ready = 0
  const { clock, said, done } = waiting(() => deployment(ready))
  await clock.advance(1_000)
  ready = 1
  await clock.advance(1_000)
  ready = 2
  await clock.advance(1_000)
  expect(await done).toEqual([])
  expect(said).toEqual(['  … Deployment web 0/2', '  … Deployment web 1/2', '  ✓ Deployment web 2/2'])
})

test('at the deadline the container that holds it up is named, with its last line', async () => {
  const pod = {
    metadata: { name: 'web-1', namespace: 'shop' },
    spec: {},
    status: { phase: 'Running', containerStatuses: [{ name: 'main', image: 'i', ready: false, restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 64 } } }] },
  }
  const { clock, done } = waiting(() => deployment(0), [pod], 'zts-endpoint is missing\n')
  const failing = expect(done).rejects.toMatchObject({
    code: 'TRIAL_NOT_READY',
    message: expect.stringMatching(/^web-1: container main CrashLoopBackOff, ended with 64 \(2 restarts\); its last line was: zts-endpoint is missing; /),
  })
  await clock.advance(4_000)
  await failing
})

test('a controller that may make no pods says why', async () => {
  const refused = [{ type: 'ReplicaFailure', status: 'True', message: 'failed calling webhook' }]
  const { clock, done } = waiting(() => deployment(0, refused))
  const failing = expect(done).rejects.toMatchObject({ code: 'TRIAL_NOT_READY', message: 'web can make no pods: failed calling webhook' })
  await clock.advance(4_000)
  await failing
})
