import { getNode, getPod, type KubeApi, openKubeApi, orUnavailable, readTokenKeys, reviewToken } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import {
  boundInFlight,
  createPace,
  createServer,
  openConfigFile,
  openTlsFiles,
  ownCertificate,
  peerNamed,
  type ServedProgram,
  serveProgram,
} from '@pallas/service'
import { followClusterConfig } from '@pallas/wire/follow-cluster-config'
import { createClientIpPolicy } from './client-ip.ts'
import { createEvents } from './events.ts'
import { followInstances } from './follow-instances.ts'
import { openJanitor } from './janitor.ts'
import { openPublicKeys } from './public-keys.ts'
import { confirmationRoutes, LIMITS, NOT_NOW, statusForZts } from './routes.ts'
import type { CallbackSettings } from './settings.ts'
import { createSingleUse } from './single-use.ts'
import { openTokenKeys } from './token-keys.ts'
import { checkZtsName } from './zts-name.ts'

export interface CallbackDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export type Callback = ServedProgram

const SERVER = {
  /** Twice what attestation data may be at the most; a longer body cannot be a document of ours. */
  bodyLimit: 512 * 1024,
  /** A real ZTS offers TLS 1.2 only, whatever is newer. */
  minVersion: 'TLSv1.2',
  limits: LIMITS,
  statusOf: statusForZts,
  badBytesStatus: NOT_NOW,
} as const
const MOST_IN_FLIGHT = 256
/** A confirmation asks the API server at most six times. */
const API_TIMEOUT_MS = 4_500
/** Enough for every agent of a fleet that starts anew; what a flood of tokens can cost the API server. */
const REVIEWS = { atATime: 16, pod: { burst: 10, refillMs: 10_000, most: 10_000 }, all: { burst: 600, refillMs: 20 } } as const

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startCallback(settings: CallbackSettings, deps: CallbackDeps): Promise<Callback> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const events = scope.use(createEvents({ log, metrics, clock }))
  const parse = followClusterConfig((config) => checkZtsName(settings.ztsName, config))
  const config = scope.use(await openConfigFile({ path: settings.config, parse, clock, log, metrics }))

  const keys = scope.use(await openPublicKeys({ dir: settings.signPubDir, name: settings.secretName, clock, events }))
  const api = scope.use(await openKubeApi(settings, { clock, timeoutMs: API_TIMEOUT_MS }))
  const ca = { pem: () => config.current().trustRoots.athenz }
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, ca, log, clock }))
  scope.defer(config.onChange(() => void tls.reload()))
  const instances = scope.use(await followInstances(settings, { ...deps, config, api, tls, events }))
  scope.use(openJanitor({ api, namespace: settings.leaseNamespace, clock, events }))

  const tokenKeys = scope.use(openTokenKeys({ read: (signal) => readTokenKeys(api, signal), clock, events }))
  const server = { ...SERVER, log, clock, metrics, requestIds: createRequestIds() }
  const app = createServer({ ...server, tls, allow: peerNamed(settings.ztsName), tell: events.tell })
  const findNode = (name: string) => orUnavailable(getNode(api, name))
  const provider = config.current().providerService
  confirmationRoutes(app, {
    provider,
    ...tokenParts({ provider, api, clock }),
    signatureOf: tokenKeys.signatureOf,
    podByUid: instances.podByUid,
    accounts: settings.agentAccounts,
    names: () => config.current(),
    keyOf: keys.keyOf,
    clock,
    findPod: (pod) => orUnavailable(getPod(api, pod)),
    clientIpPolicyFor: createClientIpPolicy({ setting: settings.clientIp, findNode }),
    instances,
    useOnce: createSingleUse({ api, namespace: settings.leaseNamespace, clock }),
    inFlight: boundInFlight(MOST_IN_FLIGHT),
    events,
  })
  const checks = { 'public-keys': keys.problem, certificate: ownCertificate({ tls, clock, metrics }) }
  const { url, adminUrl } = scope.use(await serveProgram(app, { settings, checks, log, metrics, clock }))
  const parts = scope.move()
  return { url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** What tokens are reviewed with, and how often they are. */
const tokenParts = ({ provider, api, clock }: { readonly provider: string; readonly api: Pick<KubeApi, 'create'>; readonly clock: Clock }) => ({
  review: (token: string) => orUnavailable(reviewToken(api, { token, audiences: [provider] })),
  paces: { pod: createPace({ clock, ...REVIEWS.pod }), all: createPace({ clock, ...REVIEWS.all }) },
  reviewing: boundInFlight(REVIEWS.atATime),
})
