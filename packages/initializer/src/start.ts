import { ADMISSION_BODY_LIMIT, openKubeApi, orUnavailable, readConfigMapKey } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { createServer, openTlsFiles, ownCertificate, type ServedProgram, serveProgram } from '@pallas/service'
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

export type Initializer = ServedProgram

const KEY = 'init-config'

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startInitializer(settings: InitializerSettings, deps: InitializerDeps): Promise<Initializer> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const events = createEvents({ log, metrics })
  if (settings.toleratedEnv.length > 0) events.weakened('tolerated-env')
  if (settings.toleratedMounts.length > 0) events.weakened('tolerated-mounts')
  const readConfigMap = deps.readConfigMap ?? (await configMapReader(settings, clock, scope))
  const templates = scope.use(await openTemplateSource({ readConfigMap, clock, syncMs: settings.syncInterval, events }))
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, log, clock }))

  // The API server need not show a certificate; what it asks gives no right to anybody.
  const server = { log, clock, metrics, requestIds: createRequestIds(), bodyLimit: ADMISSION_BODY_LIMIT, tls }
  const app = createServer({ ...server, callers: 'anonymous' })
  admissionRoutes(app, { templates: templates.current, rules: settings, events })
  const checks = { certificate: ownCertificate({ tls, clock, metrics }) }
  const { url, adminUrl } = scope.use(await serveProgram(app, { settings, checks, log, metrics, clock }))
  const parts = scope.move()
  return { url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function configMapReader(settings: InitializerSettings, clock: Clock, scope: AsyncDisposableStack) {
  const api = scope.use(await openKubeApi(settings, { clock }))
  const place = { namespace: settings.configNamespace, name: settings.configMap, key: KEY }
  return (signal?: AbortSignal) => orUnavailable(readConfigMapKey(api, place, signal))
}
