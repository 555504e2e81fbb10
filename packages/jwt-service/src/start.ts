import { randomUUID } from 'node:crypto'
import { getPod, listNodes, listPods, openKubeApi, orUnavailable } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import {
  type Allow,
  boundInFlight,
  createServer,
  openConfigFile,
  openTlsFiles,
  ownCertificate,
  peerNamed,
  type ServedProgram,
  serveProgram,
} from '@pallas/service'
import { followClusterConfig } from '@pallas/wire/follow-cluster-config'
import { createEvents } from './events.ts'
import { createFindAgent, type FindAgentDeps } from './find-agent.ts'
import { followPods } from './followed-pods.ts'
import { openSigningKeys } from './keys.ts'
import { createNodeByNames } from './node-by-names.ts'
import { createNodeOfAgent } from './node-of-agent.ts'
import { openRevokedAgents } from './revoked-agents.ts'
import { documentRoutes } from './routes.ts'
import type { JwtServiceSettings } from './settings.ts'
import { createSigner } from './signer.ts'

export interface JwtServiceDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export type JwtService = ServedProgram

const BODY_LIMIT = 16 * 1024
const MOST_IN_FLIGHT = 256
/** A request asks the API server at most three times, hardly ever more than once; the agent waits ten seconds. */
const API_TIMEOUT_MS = 3_000

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startJwtService(settings: JwtServiceSettings, deps: JwtServiceDeps): Promise<JwtService> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const events = scope.use(createEvents({ log, metrics, clock }))
  const config = scope.use(await openConfigFile({ path: settings.config, parse: followClusterConfig(), ...deps }))
  const { secretName, identityCn = `${config.current().adminDomain}.athenz-identity-agent` } = settings

  const keys = scope.use(await openSigningKeys({ dir: settings.signKeyDir, name: secretName, clock, events }))
  const revoked = scope.use(await openRevokedAgents({ path: settings.revokedAgents, clock, events }))
  const api = scope.use(await openKubeApi(settings, { clock, timeoutMs: API_TIMEOUT_MS }))
  const forWatch = scope.use(await openKubeApi(settings, { clock }))
  // The program is ready without it: until it has begun each pod is asked for.
  const pods = scope.use(followPods({ api: forWatch, clock, log }))
  const ca = { pem: () => config.current().trustRoots.athenzService }
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, ca, log, clock }))
  scope.defer(config.onChange(() => void tls.reload()))

  const listAgents: FindAgentDeps['listAgents'] = async ({ namespace, serviceAccount }) => {
    const fieldSelector = `spec.serviceAccountName=${serviceAccount}`
    return (await orUnavailable(listPods(api, { namespace, fieldSelector, onMalformed: () => undefined }))).pods
  }
  const agent = peerNamed(identityCn)
  const allow: Allow = (peer) => agent(peer) ?? revoked.problemOf(peer)
  const server = { log, clock, metrics, requestIds: createRequestIds(), bodyLimit: BODY_LIMIT }
  const app = createServer({ ...server, tls, allow, tell: events.tell })
  documentRoutes(app, {
    nodeOfAgent: createNodeOfAgent({
      identityCn,
      names: () => config.current(),
      findAgent: createFindAgent({ watch: pods, listAgents, clock }),
      nodeByNames: createNodeByNames({ listNodes: () => orUnavailable(listNodes(api)), clock }),
    }),
    watchedPod: pods.byUid,
    findPod: (pod) => orUnavailable(getPod(api, pod)),
    names: () => config.current(),
    isRevoked: revoked.isRevoked,
    sign: createSigner({ newest: keys.newest, clock, lifeMs: settings.tokenExpiry, newId: randomUUID }),
    inFlight: boundInFlight(MOST_IN_FLIGHT),
    events,
  })
  const checks = { 'signing-key': keys.problem, certificate: ownCertificate({ tls, clock, metrics }) }
  const { url, adminUrl } = scope.use(await serveProgram(app, { settings, checks, log, metrics, clock }))
  const parts = scope.move()
  return { url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
