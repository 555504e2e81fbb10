/** One host: its kubelet, its containers, and the kubelet's API. */
import { REPOSITORY } from '@pallas/build'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@pallas/runtime'
import type { EmbeddedApiServer } from '@pallas/kubernetes/testing'
import { isAgentPod } from './agent-pod.ts'
import type { Clocks } from './clocks.ts'
import type { ClusterEvents } from './events.ts'
import type { DriverFiles } from './driver.ts'
import { createContainerRuntime } from './kubelet/containers.ts'
import { createFlexDriver, type FlexDriver } from './kubelet/flex-driver.ts'
import { createImages } from './kubelet/images.ts'
import { createKubeletApi, watchPods } from './kubelet/kube-client.ts'
import { type Kubelet, startKubelet } from './kubelet/kubelet.ts'
import { runElsewhere } from './kubelet/run-elsewhere.ts'
import { startPodsServer } from './kubelet/pods-server.ts'
import { createVolumes, type Volumes } from './kubelet/volumes.ts'
import { FLEX_DRIVER, NODE, NODE_USER, SIA_COMMAND } from './names.ts'
import type { Isolation } from './namespace.ts'
import type { Pki } from './pki.ts'
import { podAddresses } from './pod-addresses.ts'
import { behindDoor, compiled, type Home } from './programs.ts'
import type { Reaper } from './reaper.ts'
import type { State } from './state.ts'

export interface Node extends AsyncDisposable {
  /** Base URL of the kubelet's own API. */
  readonly podsUrl: string
  readonly kubelet: Kubelet
  readonly volumes: Volumes
  /** The kubelet notices a FlexVolume driver in its plugin directory, and calls `init`. */
  addDriver(files: DriverFiles): Promise<void>
}

export interface NodeOptions {
  readonly state: State
  readonly pki: Pki
  readonly api: EmbeddedApiServer
  readonly isolation: Isolation
  readonly home: Home
  readonly clocks: Clocks
  readonly reaper: Reaper
  readonly events: ClusterEvents
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export async function startNode({ state, pki, api, isolation, home, clocks, reaper, events }: NodeOptions): Promise<Node> {
  await using scope = new AsyncDisposableStack()
  const kube = api.client(NODE_USER)
  const kubeletApi = createKubeletApi(kube, NODE)
  const drivers = new Map<string, FlexDriver>()
  const volumes = createVolumes({ rootDir: state.kubeletRoot, api: kubeletApi, drivers })
  const kubelet = scope.use(
    startKubelet({
      api: kubeletApi,
      clock: systemClock,
      volumes,
      runtime: createContainerRuntime({
        isolation,
        reaper,
        procRoot: state.procRoot,
        scratchDir: state.scratch,
        sharedDirs: [REPOSITORY, ...(existsSync(state.clocks) ? [state.clocks] : [])],
      }),
      images: createImages({
        env: { PATH: `${join(REPOSITORY, 'node_modules/.bin')}:${PATH}`, ...compiled(), ...clocks.env('pods') },
        programs: { [SIA_COMMAND]: home === 'node' ? clocks.argv(behindDoor(home).sia) : behindDoor(home).sia, node: [process.execPath] },
      }),
      hostIp: '127.0.0.1',
      logDir: state.logs,
      podIpDelayMs: 100,
      backoff: { initialMs: 500, maxMs: 10_000 },
      allocateIp: podAddresses(systemClock.random()),
      onStep: ({ metadata }, step, detail) => events.pod?.(metadata, step, detail),
    }),
  )
  const stop = new AbortController()
  const told = runElsewhere(kubelet, isAgentPod)
  const watching = watchPods({ kube, nodeName: NODE, clock: systemClock, ...told }, stop.signal)
  scope.defer(async () => {
    stop.abort()
    await watching
  })
  const server = scope.use(await startPodsServer({ api: kubeletApi, pods: () => told.pods(), tls: credentialsOf(pki), nodeName: NODE }))
  const parts = scope.move()
  return {
    podsUrl: server.url,
    kubelet,
    volumes,
    async addDriver({ target }) {
      const driver = createFlexDriver(target, { PATH, ...compiled(), ATHENZ_VOLUME_DRIVER_SETTINGS: state.driverSettings })
      await driver.call('init')
      drivers.set(FLEX_DRIVER, driver)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

const credentialsOf = ({ kubeletServer: { keyPem, certPem } }: Pki) => ({ key: keyPem, cert: certPem })
