import { ADMISSION_BODY_LIMIT, openKubeApi, orUnavailable, readConfigMapKey } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { createServer, openTlsFiles, ownCertificate, serve, startAdmin } from '@pallas/service'
import { createEvents } from './events.ts'
import { admissionRoutes } from './routes.ts'
import type { InitializerSettings } from './settings.ts'
import { openTemplateSource, type TemplateSourceOptions } from './template-source.ts'

export interface InitializerDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Default: the ConfigMap at the API server. */
  readonly readConfigMap?: TemplateSourceOptions['readConfigMap']
}

export interface Initializer extends AsyncDisposable {
  readonly url: string
  readonly adminUrl: string
}

const KEY = 'init-config'

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startInitializer(settings: InitializerSettings, deps: InitializerDeps): Promise<Initializer> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const events = createEvents({ log, metrics })
  const readConfigMap = deps.readConfigMap ?? (await configMapReader(settings, clock, scope))
  const templates = scope.use(await openTemplateSource({ readConfigMap, clock, syncMs: settings.syncInterval, events }))
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, log, clock }))

  // The API server need not show a certificate; what it asks gives no right to anybody.
  const options = { log, clock, requestIds: createRequestIds(), bodyLimit: ADMISSION_BODY_LIMIT, tls, callers: 'anonymous' as const }
  const app = createServer(options)
  admissionRoutes(app, { templates: templates.current, rules: settings, events })
  const { url } = scope.use(await serve(app, { listen: settings.listen, graceMs: settings.shutdownGrace, clock }))

  const checks = { certificate: ownCertificate({ tls, clock, metrics }) }
  const admin = scope.use(await startAdmin({ listen: settings.adminListen, checks, metrics, log, clock }))
  const parts = scope.move()
  return { url, adminUrl: admin.url, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function configMapReader(settings: InitializerSettings, clock: Clock, scope: AsyncDisposableStack) {
  const api = scope.use(await openKubeApi(settings, { clock }))
  const place = { namespace: settings.configNamespace, name: settings.configMap, key: KEY }
  return (signal: AbortSignal) => orUnavailable(readConfigMapKey(api, place, signal))
}
