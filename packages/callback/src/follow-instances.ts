import type { Pod } from '@pallas/identity'
import { getPod, type KubeApi, openPodWatch, orUnavailable } from '@pallas/kubernetes'
import type { Clock, Logger, Metrics, WatchedFile } from '@pallas/runtime'
import { clientDispatcher, type TlsFiles } from '@pallas/service'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import { createZtsClient } from '@pallas/zts'
import type { CallbackEvents } from './events.ts'
import { createInstanceRecords } from './instance-records.ts'
import { type Instances, type InstancesDeps, openInstances } from './instances.ts'
import type { CallbackSettings } from './settings.ts'

export interface FollowInstancesDeps {
  readonly config: Pick<WatchedFile<ClusterConfig>, 'current'>
  readonly api: KubeApi
  /** Our own certificate: ZTS lets nobody but the provider delete an instance. */
  readonly tls: TlsFiles
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly events: CallbackEvents
}

/** A connection that died in silence goes unnoticed for this long and the grace of the API client: 20 s in all. */
const WATCH_SECONDS = 10

export interface FollowedInstances extends Instances {
  /** As the watch of pods shows it. */
  readonly podByUid: (uid: string) => Pod | undefined
}

/** The instances, with the watch of pods and the client of ZTS that they alone need. */
export async function followInstances(
  { leaseNamespace, ztsTimeout }: Pick<CallbackSettings, 'leaseNamespace' | 'ztsTimeout'>,
  { config, api, tls, clock, log, metrics, events }: FollowInstancesDeps,
): Promise<FollowedInstances> {
  const { ztsEndpoint, providerService } = config.current()
  await using scope = new AsyncDisposableStack()
  const pods = scope.use(openPodWatch(api, { clock, log, watchSeconds: WATCH_SECONDS, withoutAnnotations: true }))
  const zts = scope.use(
    createZtsClient({
      endpoint: new URL(ztsEndpoint),
      roots: () => config.current().trustRoots.athenz,
      dispatcher: scope.use(clientDispatcher({ tls })),
      timeoutMs: ztsTimeout,
      userAgent: `SIA-${providerService} pallas-callback`,
      clock,
    }),
  )
  const records = createInstanceRecords({
    api,
    namespace: leaseNamespace,
    provider: providerService,
    names: () => config.current(),
    events,
  })
  const findPod: InstancesDeps['findPod'] = (pod, signal) => orUnavailable(getPod(api, pod, signal))
  const instances = scope.use(openInstances({ records, zts, pods, findPod, clock, events }))

  metrics.gauge({
    name: 'instances',
    help: 'Instances that this replica knows to be recorded.',
    collect: () => instances.count().known,
  })
  metrics.gauge({
    name: 'instances_ending',
    help: 'Instances whose pod seems to have ended and that ZTS has not forgotten yet.',
    collect: () => instances.count().ending,
  })
  const parts = scope.move()
  return { ...instances, podByUid: (uid) => pods.byUid(uid), [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
