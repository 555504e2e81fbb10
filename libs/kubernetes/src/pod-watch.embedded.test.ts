import { memoryLog } from '@pallas/runtime/testing'
import { systemClock } from '@pallas/runtime'
import { expect, test } from 'vitest'
import { createKubeApi } from './api.ts'
import { openPodWatch, type PodWatchOptions } from './pod-watch.ts'
import { pathOf, PODS } from './resources.ts'
import { type EmbeddedApiServerOptions, startEmbeddedApiServer } from './testing/embedded-api-server/index.ts'
import { eventually } from './testing/eventually.ts'
import { loopbackCredentials } from './testing/loopback-credentials.ts'
import { newPodObject } from './testing/pod-objects.ts'

const serverCredentials = await loopbackCredentials()
const path = pathOf(PODS, { namespace: 'default' })
const named = (name: string) => pathOf(PODS, { namespace: 'default', name })

async function open(options: Partial<PodWatchOptions> = {}, server: Partial<EmbeddedApiServerOptions> = {}) {
  await using scope = new AsyncDisposableStack()
  const embedded = scope.use(await startEmbeddedApiServer({ serverCredentials, ...server }))
  const { log } = memoryLog()
  const api = embedded.client('admin')
  const token = () => Promise.resolve(embedded.tokenFor('admin'))
  const at = { server: new URL(embedded.url), ca: embedded.caPem, token }
  const impatient = scope.use(createKubeApi({ ...at, watchGraceMs: 100 }))
  const watch = scope.use(
    openPodWatch(impatient, { clock: systemClock, log, backoffMs: 20, backoffMaxMs: 50, ...options }),
  )
  const gone: string[] = []
  watch.onGone(({ name }) => gone.push(name))
  await watch.whenSynced()
  const parts = scope.move()
  const make = (name: string) => api.create(path, newPodObject({ name }))
  const seen = (name: string) => eventually(() => watch.byName('default', name))
  const leaves = (name: string) => eventually(() => (gone.includes(name) ? true : undefined))
  return { api, embedded, gone, leaves, make, seen, watch, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

test('pods come and go over the wire', async () => {
  await using it = await open()
  await it.make('web')
  await it.seen('web')
  await it.api.delete(named('web'))
  await it.leaves('web')
  expect(it.gone).toEqual(['web'])
})

test.each([
  ['a watch that is cut', (it: Opened) => it.embedded.faults.breakWatches()],
  ['bytes that are no event', (it: Opened) => it.embedded.faults.disturbWatches('{"type":"ADDED","obj\n')],
  [
    'a version that became too old',
    (it: Opened) => {
      it.embedded.faults.forgetHistory()
      it.embedded.faults.breakWatches()
    },
  ],
])('nothing is missed by %s', async (_name, harm) => {
  await using it = await open()
  await it.make('before')
  await it.make('lost')
  await it.seen('lost')
  harm(it)
  await it.api.delete(named('lost'))
  await it.make('after')
  await it.seen('after')
  await it.leaves('lost')
  expect(
    it.watch
      .pods()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['after', 'before'])
})

test('a pod that is replaced under its name during an outage is gone, and the new one known', async () => {
  await using it = await open()
  const old = await it.make('web')
  await it.seen('web')
  it.embedded.faults.stallWatches()
  await it.api.delete(named('web'))
  const made = await it.make('web')
  it.embedded.faults.forgetHistory()
  it.embedded.faults.breakWatches()
  const pod = await eventually(() => {
    const found = it.watch.byName('default', 'web')
    return found?.uid === made.metadata['uid'] ? found : undefined
  })
  expect(it.gone).toEqual(['web'])
  expect(pod.uid).not.toBe(old.metadata['uid'])
})

test('a watch that falls silent is given up at its deadline', async () => {
  await using it = await open({ watchSeconds: 1 })
  await it.make('before')
  await it.seen('before')
  it.embedded.faults.stallWatches()
  await it.make('web')
  expect(it.watch.byName('default', 'web')).toBeUndefined()
  await it.seen('web')
})

test('a long list is read in pages', async () => {
  const calls: string[] = []
  await using it = await open({ pageSize: 2 }, { onCall: ({ path }) => calls.push(path) })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await it.make(name)
  await it.seen('e')
  calls.length = 0
  it.embedded.faults.forgetHistory()
  it.embedded.faults.disturbWatches('garbage\n')
  await eventually(() => (calls.filter((call) => call.includes('limit=2')).length === 3 ? true : undefined))
  expect(it.watch.pods()).toHaveLength(5)
})

type Opened = Awaited<ReturnType<typeof open>>
