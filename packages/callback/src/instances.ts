/**
 * Sees to it that ZTS forgets an instance soon after its pod has ended, also across restarts and outages of everyone.
 *
 * ZTS lets only the provider delete an instance, so this is the callback's work. Each instance is recorded before it is
 * vouched for. A record whose pod the watch no longer shows is only a suspect: after a pause (a yes given a moment
 * before may still be on its way through ZTS) the API server is asked about this very pod, and its word decides.
 *
 * What another replica recorded is learned when its pod ends: whoever sees the end looks for a record of it. So each
 * replica alone keeps the promise, also for what the others vouched for a moment before they died.
 */
import { type Pod, podState } from '@pallas/identity'
import type { PodWatch } from '@pallas/kubernetes'
import { againAndAgain, type Clock } from '@pallas/runtime'
import type { Zts } from '@pallas/zts'
import type { CallbackEvents } from './events.ts'
import { inParallel } from './in-parallel.ts'
import type { InstanceRecord, InstanceRecords } from './instance-records.ts'
import { createStrangers } from './strangers.ts'

type PodName = Pick<Pod, 'namespace' | 'name'>

export interface InstancesDeps {
  readonly records: InstanceRecords
  readonly zts: Pick<Zts, 'deleteInstance'>
  readonly pods: Pick<PodWatch, 'synced' | 'byUid' | 'onPod' | 'onGone'>
  /** As the API server shows it now, from no cache. */
  readonly findPod: (pod: PodName, signal?: AbortSignal) => Promise<Pod | undefined>
  readonly clock: Clock
  readonly events: Pick<CallbackEvents, 'instanceDeleted' | 'instanceDeletionFailed' | 'instancesUnreadable'>
}

/** Its methods throw `API_UNAVAILABLE`. */
export interface Instances extends AsyncDisposable {
  /** Durable when it resolves. */
  record(instance: InstanceRecord, signal?: AbortSignal): Promise<void>
  /** Whether the instance was recorded before, by any replica. */
  isRecorded(instanceId: string, signal?: AbortSignal): Promise<boolean>
  /** How many instances this replica knows, and how many of them wait to be deleted at ZTS. */
  count(): { readonly known: number; readonly ending: number }
}

const TICK_MS = 5_000
/** How often to read all records: what nobody saw the end of is found so. */
const RELOAD_MS = 5 * 60_000
/** At least; replicas wait differently, so that mostly one does the work. */
const SETTLE_MS = 20_000
const BACKOFF_MS = { first: 2_000, longest: 5 * 60_000 }
const MOST_PER_TICK = 256
const DELETIONS_AT_A_TIME = 8

interface Known {
  readonly record: InstanceRecord
  /** When to look whether the pod is gone, by the monotonic clock; undefined while nobody doubts it. */
  lookAt: number | undefined
  failures: number
}

export function openInstances(deps: InstancesDeps): Instances {
  const { records, pods, clock, events } = deps
  const known = knownInstances()
  let reloadAt = 0
  const soon = (): number => clock.monotonic() + SETTLE_MS * (1 + clock.random() / 4)
  const onFailure = (error: unknown): void => events.instancesUnreadable(error)
  const strangers = createStrangers({ records, clock, soon, onFailure })

  async function reload(signal: AbortSignal): Promise<void> {
    for (const record of await records.all(signal)) remember(record)
    reloadAt = clock.monotonic() + RELOAD_MS * (0.75 + clock.random() / 2)
  }
  const remember = (record: InstanceRecord, lookAt?: number): void => {
    if (known.find(record) === undefined) known.add({ record, lookAt, failures: 0 })
  }
  const onRecord = (record: InstanceRecord): void => remember(record, clock.monotonic())
  const doubt = (): void => {
    if (!pods.synced()) return
    for (const it of known.all()) {
      const pod = pods.byUid(it.record.instanceId)
      if (pod !== undefined && podState(pod) !== 'ended') continue
      it.lookAt ??= soon()
    }
  }
  const quiet = onEnd(pods, ({ uid }) => {
    // Before the first reading of all records every pod is a stranger, and none needs to be looked for.
    if (reloadAt > 0 && !known.hasId(uid)) strangers.add(uid)
  })
  async function tick(signal: AbortSignal): Promise<void> {
    if (clock.monotonic() >= reloadAt) await reload(signal).catch(onFailure)
    doubt()
    for (const record of await strangers.met(signal)) remember(record, clock.monotonic())
    const due = known.all().filter(({ lookAt = Infinity }) => lookAt <= clock.monotonic())
    await inParallel(due.slice(0, MOST_PER_TICK), DELETIONS_AT_A_TIME, async (it) => {
      if ((await settle(it, { ...deps, onRecord }, signal)) === 'forgotten') known.delete(it)
    })
  }
  const running = againAndAgain({ clock, pauseMs: () => TICK_MS, work: tick, begin: 'working' })

  return {
    async record(instance, signal) {
      if (known.find(instance) !== undefined) return
      await records.put(instance, signal)
      remember(instance)
    },
    isRecorded: async (instanceId, signal) =>
      known.hasId(instanceId) || (await records.find(instanceId, undefined, signal)).length > 0,
    count: () => ({
      known: known.all().length,
      ending: known.all().filter(({ lookAt }) => lookAt !== undefined).length,
    }),
    async [Symbol.asyncDispose]() {
      quiet()
      await running[Symbol.asyncDispose]()
    },
  }
}

/** By instance, and for each by domain: a pod has two when its namespace became one of the administrators', or ceased to be. */
function knownInstances() {
  const byId = new Map<string, readonly Known[]>()
  const of = (id: string): readonly Known[] => byId.get(id) ?? []
  return {
    all: () => [...byId.values()].flat(),
    hasId: (id: string) => byId.has(id),
    find: ({ instanceId, domain }: InstanceRecord) => of(instanceId).find(({ record }) => record.domain === domain),
    add: (it: Known) => void byId.set(it.record.instanceId, [...of(it.record.instanceId), it]),
    delete(it: Known) {
      const left = of(it.record.instanceId).filter((other) => other !== it)
      if (left.length > 0) byId.set(it.record.instanceId, left)
      else byId.delete(it.record.instanceId)
    },
  }
}

/** Tells of each pod that has ended or is no more. Returns how to stop. */
function onEnd(pods: InstancesDeps['pods'], listener: (pod: Pod) => void): () => void {
  const stops = [
    pods.onGone(listener),
    pods.onPod((pod) => {
      if (podState(pod) === 'ended') listener(pod)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

interface SettleDeps extends InstancesDeps {
  /** Told of each record of the instance, also under a domain that only another replica has vouched for. */
  readonly onRecord: (record: InstanceRecord) => void
}

/** Deletes at ZTS, then the record: so that whoever dies in between leaves a trace, and no record means all is done. */
async function settle(it: Known, deps: SettleDeps, signal: AbortSignal): Promise<'forgotten' | 'kept'> {
  const { records, zts, findPod, clock, events, onRecord } = deps
  const { record } = it
  try {
    const pod = await findPod({ namespace: record.namespace, name: record.pod }, signal)
    if (pod?.uid === record.instanceId && podState(pod) !== 'ended') {
      it.lookAt = undefined
      return 'kept'
    }
    const all = await records.find(record.instanceId, record, signal)
    for (const each of all) onRecord(each)
    if (!all.some(({ domain }) => domain === record.domain)) return 'forgotten'
    await zts.deleteInstance(record, signal)
    await records.remove(record, signal)
    events.instanceDeleted(record)
    return 'forgotten'
  } catch (error) {
    if (signal.aborted) throw error
    it.failures++
    const ceiling = Math.min(BACKOFF_MS.first * 2 ** it.failures, BACKOFF_MS.longest)
    it.lookAt = clock.monotonic() + ceiling * (0.5 + clock.random() / 2)
    events.instanceDeletionFailed(record, error)
    return 'kept'
  }
}
