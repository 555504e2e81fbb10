import { FakeClock } from '@pallas/host/testing'
import type { Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { memoryLog } from '@pallas/runtime/testing'
import { expect, test } from 'vitest'
import { KubernetesError } from './error.ts'
import { openPodWatch, type PodWatchOptions } from './pod-watch.ts'
import { ScriptedPodApi } from './testing/scripted-pod-api.ts'

const web = aPod({ name: 'web', uid: 'u-1' })
const db = aPod({ name: 'db', uid: 'u-2' })

async function open(options: Partial<PodWatchOptions> = {}, api = new ScriptedPodApi()) {
  const clock = new FakeClock()
  const { log, records } = memoryLog()
  const watch = openPodWatch(api, { clock, log, ...options })
  const told: string[] = []
  watch.onPod(({ name, uid, phase }) => told.push(`${name} ${uid} ${phase}`))
  watch.onGone(({ name, uid }) => told.push(`gone ${name} ${uid}`))
  await clock.advance(0)
  return {
    api,
    clock,
    records,
    watch,
    told,
    settle: () => clock.advance(0),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  }
}

const listing = (resourceVersion: string, ...pods: Pod[]) => ({ pods, resourceVersion })

function apiListing(resourceVersion: string, ...pods: Pod[]): ScriptedPodApi {
  const api = new ScriptedPodApi()
  api.listing = listing(resourceVersion, ...pods)
  return api
}

test('what is listed is known, and the watch goes on from there', async () => {
  await using it = await open({ fieldSelector: 'spec.nodeName=node-1', watchSeconds: 40 }, apiListing('7', web))
  await it.watch.whenSynced()
  expect(it.watch.synced()).toBe(true)
  expect(it.watch.pods()).toEqual([web])
  expect(it.told).toEqual(['web u-1 Running'])
  expect(it.api.lists).toEqual([{ fieldSelector: 'spec.nodeName=node-1', limit: 500 }])
  expect(it.api.current.query).toEqual({
    fieldSelector: 'spec.nodeName=node-1',
    resourceVersion: '7',
    timeoutSeconds: 40,
  })
})

test('a listener that comes late is told of what is known', async () => {
  await using it = await open({}, apiListing('7', web, db))
  const late: string[] = []
  const stop = it.watch.onPod(({ name }) => late.push(name))
  expect(late).toEqual(['web', 'db'])
  stop()
  it.api.current.send('MODIFIED', { ...web, phase: 'Succeeded' }, '8')
  await it.settle()
  expect(late).toEqual(['web', 'db'])
})

test('what happens is told, and a watch that ends goes on from its last event', async () => {
  await using it = await open({}, apiListing('7', web))
  it.api.current.send('ADDED', db, '8')
  it.api.current.send('MODIFIED', { ...web, phase: 'Failed' }, '9')
  it.api.current.send('DELETED', web, '10')
  it.api.current.sendRaw({ type: 'BOOKMARK', resourceVersion: '25' })
  it.api.current.end()
  await it.settle()
  expect(it.told).toEqual(['web u-1 Running', 'db u-2 Running', 'web u-1 Failed', 'gone web u-1'])
  expect(it.api.lists).toHaveLength(1)
  expect(it.api.watches.map(({ query }) => query.resourceVersion)).toEqual(['7', '25'])
})

test('a broken watch is resumed, not listed anew', async () => {
  await using it = await open({}, apiListing('7', web))
  it.api.current.send('ADDED', db, '8')
  it.api.current.fail(new KubernetesError('KUBE_UNREACHABLE', 'cut'))
  await it.settle()
  await it.clock.advance(200)
  expect(it.api.lists).toHaveLength(1)
  expect(it.api.watches.map(({ query }) => query.resourceVersion)).toEqual(['7', '8'])
})

test.each(['KUBE_GONE', 'KUBE_BAD_ANSWER'] as const)('after %s a new list shows what was missed', async (code) => {
  await using it = await open({}, apiListing('7', web, db))
  const again = aPod({ name: 'web', uid: 'u-9' })
  it.api.listing = listing('50', again)
  it.api.current.fail(new KubernetesError(code, 'lost'))
  await it.settle()
  await it.clock.advance(200)
  expect(it.told.slice(2)).toEqual(['gone web u-1', 'gone db u-2', 'web u-9 Running'])
  expect(it.watch.byName(web.namespace, 'web')).toEqual(again)
  expect(it.api.current.query.resourceVersion).toBe('50')
})

test('an outage is waited out with growing, random pauses, and what is known stays', async () => {
  await using it = await open({ backoffMs: 100, backoffMaxMs: 400 }, apiListing('7', web))
  const away = new KubernetesError('KUBE_UNREACHABLE', 'away')
  it.api.current.fail(away)
  for (const pause of [50, 100, 200, 200, 200]) {
    const before = it.api.watches.length
    await it.clock.advance(pause - 1)
    expect(it.api.watches).toHaveLength(before)
    await it.clock.advance(1)
    expect(it.api.watches).toHaveLength(before + 1)
    it.api.current.fail(away)
  }
  expect(it.watch.synced()).toBe(true)
  expect(it.watch.pods()).toEqual([web])
  it.clock.willDraw(0)
  await it.clock.advance(400)
  it.api.current.send('ADDED', db, '9')
  it.api.current.fail(away)
  await it.settle()
  const before = it.api.watches.length
  await it.clock.advance(50)
  expect(it.api.watches).toHaveLength(before + 1)
})

test('a wait that the server asks for is kept, and not ended by everybody at once', async () => {
  await using it = await open({}, apiListing('7'))
  it.clock.willDraw(0.4)
  it.api.current.fail(new KubernetesError('KUBE_BUSY', 'busy', { retryAfterMs: 5_000 }))
  await it.settle()
  await it.clock.advance(5_999)
  expect(it.api.watches).toHaveLength(1)
  await it.clock.advance(1)
  expect(it.api.watches).toHaveLength(2)
})

test('a server that ends every watch at once is not hammered', async () => {
  await using it = await open({}, apiListing('7'))
  it.api.current.end()
  await it.settle()
  expect(it.api.watches).toHaveLength(1)
  await it.clock.advance(100)
  expect(it.api.watches).toHaveLength(2)
})

test('how long nothing was heard counts from the last list, event or regular end', async () => {
  await using it = await open({ watchSeconds: 10 }, apiListing('7', web))
  expect(it.watch.silentMs()).toBe(0)
  await it.clock.advance(4_000)
  expect(it.watch.silentMs()).toBe(4_000)
  it.api.current.sendRaw({ type: 'BOOKMARK', resourceVersion: '8' })
  await it.settle()
  expect(it.watch.silentMs()).toBe(0)
  await it.clock.advance(10_000)
  it.api.current.end()
  await it.settle()
  expect(it.watch.silentMs()).toBe(0)
})

test('a broken watch is silent from its last word on; one that ends at once has said nothing', async () => {
  await using it = await open({}, apiListing('7', web))
  await it.clock.advance(3_000)
  it.api.current.fail(new KubernetesError('KUBE_UNREACHABLE', 'cut'))
  await it.clock.advance(200)
  expect(it.watch.silentMs()).toBe(3_200)
  it.api.current.end()
  await it.clock.advance(400)
  expect(it.watch.silentMs()).toBe(3_600)
})

test('after a gap in the events nothing counts as heard until the next list', async () => {
  await using it = await open({}, apiListing('7', web))
  it.api.listing = new KubernetesError('KUBE_UNREACHABLE', 'away')
  it.api.current.fail(new KubernetesError('KUBE_GONE', 'expired'))
  await it.clock.advance(200)
  expect(it.watch.silentMs()).toBe(Infinity)
  it.api.listing = listing('50', web)
  await it.clock.advance(400)
  expect(it.watch.silentMs()).toBeLessThanOrEqual(400)
})

test('annotations are forgotten where nobody needs them', async () => {
  const noted = aPod({ name: 'web', uid: 'u-1', annotations: { note: 'long' } })
  await using it = await open({ withoutAnnotations: true }, apiListing('7', noted))
  it.api.current.send('ADDED', { ...noted, name: 'db', uid: 'u-2' }, '8')
  await it.settle()
  expect(it.watch.pods().map(({ annotations }) => annotations)).toEqual([{}, {}])
})

test('until the first list there is nothing, and it is tried again', async () => {
  const api = new ScriptedPodApi()
  api.listing = new KubernetesError('KUBE_FORBIDDEN', 'no rights')
  await using it = await open({}, api)
  expect(it.watch.synced()).toBe(false)
  const stop = new AbortController()
  const waiting = it.watch.whenSynced(stop.signal)
  stop.abort(new Error('left'))
  await expect(waiting).rejects.toThrow('left')
  api.listing = listing('7', web)
  await it.clock.advance(200)
  await it.watch.whenSynced()
  expect(it.watch.pods()).toEqual([web])
  expect(it.records).toMatchObject([{ level: 'warn', msg: 'watch of pods broken' }])
})

test('an object that is no pod is told of in the log and blinds nobody', async () => {
  const api = new ScriptedPodApi()
  const strange = { metadata: { name: 'strange' } }
  api.listing = { pods: [strange, web], resourceVersion: '7' }
  await using it = await open({}, api)
  it.api.current.sendRaw({ type: 'ADDED', object: strange, resourceVersion: '8' })
  it.api.current.send('ADDED', db, '9')
  await it.settle()
  expect(it.watch.pods()).toEqual([web, db])
  expect(it.records.map(({ msg }) => msg)).toEqual(Array(2).fill('an object of the pod list is no pod'))
})

test('a deletion is heard even of an object that nobody can read any more', async () => {
  await using it = await open({}, apiListing('7', web))
  it.api.current.sendRaw({ type: 'DELETED', object: { metadata: { uid: 'u-1' } }, resourceVersion: '8' })
  await it.settle()
  expect(it.told.at(-1)).toBe('gone web u-1')
})

test('a listener that throws takes nothing from the others', async () => {
  await using it = await open({}, apiListing('7'))
  const seen: string[] = []
  it.watch.onPod(() => {
    throw new Error('listener')
  })
  it.watch.onPod(({ name }) => seen.push(name))
  it.api.current.send('ADDED', web, '8')
  await it.settle()
  expect(seen).toEqual(['web'])
  expect(it.records.map(({ msg }) => msg)).toEqual(['listener to pods failed'])
})

test('disposing it ends its call, its pause and every wait for it', async () => {
  const api = new ScriptedPodApi()
  api.listing = new KubernetesError('KUBE_UNREACHABLE', 'away')
  const it = await open({}, api)
  const waiting = it.watch.whenSynced()
  expect(it.clock.sleeping).toBe(1)
  await it[Symbol.asyncDispose]()
  await expect(waiting).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  expect(it.clock.sleeping).toBe(0)
})
