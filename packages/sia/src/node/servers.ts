/**
 * Whatever listens beside the renewals, opened in order: token endpoint, metrics, health; closed the other way round.
 * This file and what it imports is loaded only when something is to listen.
 */
import type { Address } from '@pallas/config'
import { openTlsFiles, serve } from '@pallas/service'
import type { CompanionDeps } from '../companions.ts'
import type { SiaSettings } from '../settings/settings.ts'
import type { Events } from './events.ts'
import { createHealthServer } from './health.ts'
import { openLateTlsFiles } from './late-tls-files.ts'
import { isLoopback } from './local-callers.ts'
import type { SiaMetrics } from './metrics.ts'
import { createMetricsServer } from './metrics-server.ts'
import { createTokenServer } from './token-server.ts'

export { createLogger } from '@pallas/runtime'
export { createSiaMetrics } from './metrics.ts'

type ServerLog = Parameters<typeof createTokenServer>[0]['log']

export interface ServersDeps extends Omit<CompanionDeps, 'log'> {
  readonly log: ServerLog
  readonly events: Events
  readonly metrics: SiaMetrics | undefined
}

/** Rejects with nothing left listening when one of them cannot listen. */
export async function startServers(settings: SiaSettings, deps: ServersDeps): Promise<AsyncDisposable> {
  const { clock, log, metrics, members } = deps
  await using scope = new AsyncDisposableStack()
  const tokens = scope.use(await startTokens(settings, deps))
  if (settings.metricsServerAddr !== undefined && metrics !== undefined) {
    const app = createMetricsServer({ metrics, clock, log })
    scope.use(await serve(app, { listen: settings.metricsServerAddr, graceMs: 0, clock }))
  }
  if (settings.healthCheckAddr !== undefined) {
    const problem = () => (tokens?.isReady() === false ? 'the token server has no certificate yet' : undefined)
    const { healthCheckEndpoint: endpoint } = settings
    const app = createHealthServer({ endpoint, members, problem, clock, log })
    scope.use(await serve(app, { listen: settings.healthCheckAddr, graceMs: 0, clock }))
  }
  return scope.move()
}

async function startTokens(settings: SiaSettings, deps: ServersDeps) {
  const { events } = deps
  const { tokenServerAddr: listen, tokenServerTlsCaPath: clientsCa } = settings
  if (listen === undefined) return undefined
  if (!isLoopback(listen.host) && clientsCa === undefined) events.weakened('token-server-beyond-loopback')
  return openTokens(listen, settings, deps)
}

interface TokensServed extends AsyncDisposable {
  /** False while it has no certificate to be reached under. */
  isReady(): boolean
}

async function openTokens(listen: Address, settings: SiaSettings, deps: ServersDeps): Promise<TokensServed> {
  const { clock, log, tokens, events } = deps
  await using scope = new AsyncDisposableStack()
  const paths = tlsPathsOf(settings)
  const onWait = (error: unknown) => events.tokenServerWaits(error)
  const tls =
    paths === undefined
      ? undefined
      : scope.use(await openLateTlsFiles(() => openTlsFiles({ ...paths, log, clock }), { clock, onWait }))
  const app = createTokenServer({
    tokens,
    serves: servedBy(settings),
    restApi: settings.tokenServerRestApi,
    headerMode: settings.useTokenServer,
    roleAuthHeader: settings.roleAuthHeader,
    timeoutMs: settings.tokenServerTimeout,
    expirySeconds: settings.tokenExpiry / 1_000,
    host: listen.host,
    ...(tls === undefined ? {} : { tls, callers: paths?.ca === undefined ? ('anonymous' as const) : ('verified' as const) }),
    clock,
    log,
    answered: (route, code) => events.tokenAnswered(route, code),
  })
  scope.use(await serve(app, { listen, graceMs: settings.shutdownTimeout, clock }))
  // Callers that have not heard yet that the pod ends are served for a while.
  scope.defer(() => clock.sleep(settings.shutdownDelay))
  const parts = scope.move()
  return { isReady: () => tls?.isThere() ?? true, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** What `--token-type` names. */
const servedBy = ({ tokenType }: SiaSettings): ReadonlySet<'access-token' | 'role-token'> =>
  new Set([
    ...(tokenType.includes('accesstoken') ? (['access-token'] as const) : []),
    ...(tokenType.includes('roletoken') ? (['role-token'] as const) : []),
  ])

function tlsPathsOf(settings: SiaSettings) {
  const { tokenServerTlsCaPath: ca, tokenServerTlsCertPath: certFile, tokenServerTlsKeyPath: keyFile } = settings
  if (certFile === undefined || keyFile === undefined) return undefined
  return { certFile, keyFile, ...(ca === undefined ? {} : { ca: { files: [ca] } }) }
}
