import { hostname } from 'node:os'
import { ADMISSION_BODY_LIMIT, type KubeApi, openKubeApi, orUnavailable, readConfigMapKey } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { createServer, openTlsFiles, ownCertificate, type ServedProgram, serveProgram } from '@pallas/service'
import { createBundleEvents } from './bundle-events.ts'
import { createBundleKeeper } from './bundle-keeper.ts'
import { createDrain } from './drain.ts'
import { createEvents } from './events.ts'
import { openOwnCertificate } from './own-certificate.ts'
import { admissionRoutes } from './routes.ts'
import { createServerClock, type ServerClock } from './server-clock.ts'
import type { InitializerSettings } from './settings.ts'
import { openTemplateSource, type TemplateSourceOptions } from './template-source.ts'

export interface InitializerDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Default: the ConfigMap at the API server. */
  readonly readConfigMap?: TemplateSourceOptions['readConfigMap']
}

export type Initializer = ServedProgram

const KEY = 'init-config'

/** An API server waits for five seconds, and sends what it asks at once. */
const LIMITS = { headersTimeoutMs: 5_000, requestTimeoutMs: 5_000, handlerTimeoutMs: 5_000, maxConnections: 512 }

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startInitializer(settings: InitializerSettings, deps: InitializerDeps): Promise<Initializer> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const events = createEvents({ log, metrics })
  if (settings.toleratedEnv.length > 0) events.weakened('tolerated-env')
  if (settings.toleratedMounts.length > 0) events.weakened('tolerated-mounts')
  const serverClock = createServerClock(clock)
  const api = needsApi(settings, deps) ? scope.use(await openKubeApi(settings, { clock, onServerTime: serverClock.told })) : undefined
  const readConfigMap = deps.readConfigMap ?? configMapReader(settings, api)
  const templates = scope.use(await openTemplateSource({ readConfigMap, clock, syncMs: settings.syncInterval, events }))
  const { tls, trusted } = await openCertificate(settings, { ...deps, api, serverClock }, scope)

  // The API server need not show a certificate; what it asks gives no right to anybody.
  const server = { log, clock, metrics, requestIds: createRequestIds(), bodyLimit: ADMISSION_BODY_LIMIT, tls, limits: LIMITS }
  const app = createServer({ ...server, callers: 'anonymous' })
  const drain = createDrain({ clock, drainMs: settings.drain })
  drain.follow(app)
  admissionRoutes(app, { templates, rules: settings, clock, events })
  const checks = { certificate: ownCertificate({ tls, clock, metrics }), ...trusted, ending: drain.problem }
  const { url, adminUrl } = scope.use(await serveProgram(app, { settings, checks, log, metrics, clock }))
  scope.defer(() => drain.end())
  const parts = scope.move()
  return { url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const needsApi = ({ key }: InitializerSettings, { readConfigMap }: InitializerDeps): boolean => readConfigMap === undefined || key === undefined

function configMapReader(settings: InitializerSettings, api: KubeApi | undefined): TemplateSourceOptions['readConfigMap'] {
  if (api === undefined) throw new TypeError('a config map is read at the api server')
  const place = { namespace: settings.configNamespace, name: settings.configMap, key: KEY }
  return (signal) => orUnavailable(readConfigMapKey(api, place, signal))
}

interface CertificateDeps extends Pick<InitializerDeps, 'clock' | 'log' | 'metrics'> {
  readonly api: KubeApi | undefined
  readonly serverClock: ServerClock
}

/** What others made, or what is made here and told to the API server. */
async function openCertificate(settings: InitializerSettings, { clock, log, metrics, api, serverClock }: CertificateDeps, scope: AsyncDisposableStack) {
  const { key, cert } = settings
  if (key !== undefined && cert !== undefined) return { tls: scope.use(await openTlsFiles({ keyFile: key, certFile: cert, log, clock })), trusted: {} }
  if (api === undefined) throw new TypeError('a certificate of our own is told to the api server')
  const events = createBundleEvents({ log, metrics })
  const { certificateLife: lifeMs, bundleInterval: lookMs, bundleSettle: settleMs, serverNames: names } = settings
  const keep = createBundleKeeper({ api, configuration: settings.webhookConfiguration, clock, serverClock, lifeMs, events })
  const pod = settings.podName || hostname()
  const tls = scope.use(await openOwnCertificate({ keep, names, pod, lifeMs, lookMs, settleMs, clock, serverClock, events }))
  return { tls, trusted: { trust: tls.problem } }
}
