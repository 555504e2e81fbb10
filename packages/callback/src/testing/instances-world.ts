/** One pod, its cluster, ZTS and records in memory, for tests of what happens to an instance when its pod ends. */
import { IdentityError, type Pod } from '@pallas/identity'
import { aPod } from '@pallas/identity/testing'
import { FakeClock, memoryLog, testMetrics } from '@pallas/runtime/testing'
import type { InstanceName } from '@pallas/zts'
import { createEvents } from '../events.ts'
import type { InstanceRecord, InstanceRecords } from '../instance-records.ts'
import { openInstances } from '../instances.ts'

export const pod = aPod()
export const recordOf = ({ uid, namespace, name }: Pod): InstanceRecord => ({
  provider: 'k8s.admin.athenz-callback',
  domain: 'media.on-air',
  service: 'web',
  instanceId: uid,
  namespace,
  pod: name,
})

/** What a replica's watch of pods shows, which may lag behind the cluster. */
export function aWatch(...first: readonly Pod[]) {
  let shown = new Map(first.map((it) => [it.uid, it]))
  const listeners = { pod: new Set<(it: Pod) => void>(), gone: new Set<(it: Pod) => void>() }
  return {
    byUid: (uid: string) => shown.get(uid),
    onPod(listener: (it: Pod) => void) {
      listeners.pod.add(listener)
      return () => listeners.pod.delete(listener)
    },
    onGone(listener: (it: Pod) => void) {
      listeners.gone.add(listener)
      return () => listeners.gone.delete(listener)
    },
    show(...pods: readonly Pod[]): void {
      const before = shown
      shown = new Map(pods.map((it) => [it.uid, it]))
      const gone = before.values().filter(({ uid }) => !shown.has(uid)).toArray()
      for (const it of gone) for (const listener of listeners.gone) listener(it)
      for (const it of pods) for (const listener of listeners.pod) listener(it)
    },
  }
}

const keyOf = ({ instanceId, domain }: InstanceRecord): string => `${instanceId}/${domain}`

/** A cluster, a ZTS and the records, all of which can be away. */
export function aWorld() {
  const clock = new FakeClock()
  const cluster = new Map([[pod.uid, pod]])
  const seen = aWatch(pod)
  const stored = new Map<string, InstanceRecord>()
  const deleted: InstanceName[] = []
  const faults = { zts: undefined as unknown, api: false, synced: true }
  const { log, records: logged } = memoryLog()
  const metrics = testMetrics()
  const events = createEvents({ log, metrics, clock })

  const answer = <T>(value: T): Promise<T> =>
    faults.api ? Promise.reject(new IdentityError('API_UNAVAILABLE', 'away')) : Promise.resolve(value)
  const store = (record: InstanceRecord) => stored.set(keyOf(record), record)
  const records: InstanceRecords = {
    put: async (record) => void (await answer(store(record))),
    find: (id, known) =>
      answer([...stored].flatMap(([key, it]) => (it.instanceId !== id ? [] : known && key === keyOf(known) ? known : it))),
    all: () => answer([...stored.values()]),
    remove: async (record) => void (await answer(stored.delete(keyOf(record)))),
  }
  const open = (watch = seen) =>
    openInstances({
      records,
      zts: {
        deleteInstance: async (instance) => {
          if (faults.zts !== undefined) throw faults.zts
          deleted.push(instance)
        },
      },
      pods: { synced: () => faults.synced, ...watch },
      findPod: ({ name }) => answer([...cluster.values()].find((it) => it.name === name)),
      clock,
      events,
    })
  const show = (...pods: Pod[]): void => {
    cluster.clear()
    for (const it of pods) cluster.set(it.uid, it)
    seen.show(...pods)
  }
  return { clock, cluster, seen, show, stored, store, deleted, faults, logged, metrics, open }
}
