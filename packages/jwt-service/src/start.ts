import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { getPod, listNodes, openKubeApi, orUnavailable } from '@pallas/kubernetes'
import { type Clock, createRequestIds, type Logger, type Metrics } from '@pallas/runtime'
import { boundInFlight, createServer, openTlsFiles, ownCertificate, peerNamed, serve, startAdmin } from '@pallas/service'
import { parseClusterConfig } from '@pallas/wire/cluster-config'
import { createEvents } from './events.ts'
import { openSigningKeys } from './keys.ts'
import { createNodeOfAgent } from './node-of-agent.ts'
import { documentRoutes } from './routes.ts'
import type { JwtServiceSettings } from './settings.ts'
import { createSigner } from './signer.ts'

export interface JwtServiceDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export interface JwtService extends AsyncDisposable {
  readonly url: string
  readonly adminUrl: string
}

const BODY_LIMIT = 16 * 1024
const MOST_IN_FLIGHT = 256
/** A request asks the API server at most twice, and the agent waits ten seconds. */
const API_TIMEOUT_MS = 4_000

/** Makes every part in order; disposing the result unmakes them in reverse. */
export async function startJwtService(settings: JwtServiceSettings, deps: JwtServiceDeps): Promise<JwtService> {
  const { clock, log, metrics } = deps
  await using scope = new AsyncDisposableStack()
  const names = parseClusterConfig(await readFile(settings.config, 'utf8'))
  const { secretName, identityCn = `${names.adminDomain}.athenz-identity-agent` } = settings
  const events = createEvents({ log, metrics })

  const keys = scope.use(await openSigningKeys({ dir: settings.signKeyDir, name: secretName, clock, events }))
  const api = scope.use(await openKubeApi(settings, { clock, timeoutMs: API_TIMEOUT_MS }))
  const trusted = { pem: names.trustRoots.athenzService }
  const tls = scope.use(await openTlsFiles({ keyFile: settings.key, certFile: settings.cert, ca: trusted, log, clock }))

  const allow = peerNamed(identityCn)
  const app = createServer({ log, clock, requestIds: createRequestIds(), bodyLimit: BODY_LIMIT, tls, allow })
  documentRoutes(app, {
    nodeOfAgent: createNodeOfAgent({ listNodes: () => orUnavailable(listNodes(api)), clock }),
    findPod: (pod) => orUnavailable(getPod(api, pod)),
    names,
    sign: createSigner({ newest: keys.newest, clock, lifeMs: settings.tokenExpiry, newId: randomUUID }),
    inFlight: boundInFlight(MOST_IN_FLIGHT),
    events,
  })
  const { url } = scope.use(await serve(app, { listen: settings.listen, graceMs: settings.shutdownGrace, clock }))

  const checks = { 'signing-key': keys.problem, certificate: ownCertificate({ tls, clock, metrics }) }
  const admin = scope.use(await startAdmin({ listen: settings.adminListen, checks, metrics, log, clock }))
  const parts = scope.move()
  return { url, adminUrl: admin.url, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
