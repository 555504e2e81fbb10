import { readFile } from 'node:fs/promises'
import { getNode, getPod, openKubeApi, orUnavailable } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { boundInFlight, createServer, openTlsFiles, ownCertificate, peerNamed, serve, startAdmin } from '@pallas/service'
import { parseClusterConfig } from '@pallas/wire/cluster-config'
import { createClientIpPolicy } from './client-ip.ts'
import { createEvents } from './events.ts'
import { followInstances } from './follow-instances.ts'
import { openJanitor } from './janitor.ts'
import { openPublicKeys } from './public-keys.ts'
import { confirmationRoutes, LIMITS, statusForZts } from './routes.ts'
import type { CallbackSettings } from './settings.ts'
import { createSingleUse } from './single-use.ts'
import { checkZtsName } from './zts-name.ts'

export interface CallbackDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Callback extends AsyncDisposable {
  readonly url: string
  readonly adminUrl: string
}

/** Twice what attestation data may be at the most; a longer body cannot be a document of ours. */
const BODY_LIMIT = 512 * 1024
const MOST_IN_FLIGHT = 256
/** A confirmation asks the API server at most five times. */
const API_TIMEOUT_MS = 5_000

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startCallback(settings: CallbackSettings, deps: CallbackDeps): Promise<Callback> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const config = parseClusterConfig(await readFile(settings.config, 'utf8'))
  checkZtsName(settings.ztsName, config)
  const events = createEvents({ log, metrics })

  const keys = scope.use(await openPublicKeys({ dir: settings.signPubDir, name: settings.secretName, clock, events }))
  const api = scope.use(await openKubeApi(settings, { clock, timeoutMs: API_TIMEOUT_MS }))
  const trusted = { pem: config.trustRoots.athenz }
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, ca: trusted, log, clock }))
  const instances = scope.use(await followInstances(settings, config, { ...deps, api, tls, events }))
  scope.use(openJanitor({ api, namespace: settings.leaseNamespace, clock, events }))

  const allow = peerNamed(settings.ztsName)
  const server = { log, clock, requestIds: createRequestIds(), bodyLimit: BODY_LIMIT, statusOf: statusForZts }
  // A real ZTS offers TLS 1.2 only, whatever is newer.
  const app = createServer({ ...server, tls, allow, limits: LIMITS, minVersion: 'TLSv1.2' })
  const findNode = (name: string) => orUnavailable(getNode(api, name))
  confirmationRoutes(app, {
    provider: config.providerService,
    names: config,
    keyOf: keys.keyOf,
    clock,
    findPod: (pod) => orUnavailable(getPod(api, pod)),
    clientIpPolicyFor: createClientIpPolicy({ setting: settings.clientIp, findNode }),
    instances,
    useOnce: createSingleUse({ api, namespace: settings.leaseNamespace, clock }),
    inFlight: boundInFlight(MOST_IN_FLIGHT),
    events,
  })
  const { url } = scope.use(await serve(app, { listen: settings.listen, graceMs: settings.shutdownGrace, clock }))

  const checks = { 'public-keys': keys.problem, certificate: ownCertificate({ tls, clock, metrics }) }
  const admin = scope.use(await startAdmin({ listen: settings.adminListen, checks, metrics, log, clock }))
  const parts = scope.move()
  return { url, adminUrl: admin.url, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
